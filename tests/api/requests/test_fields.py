"""Types of fields in requests: what each accepts, and the code of its refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter, ValidationError

from api.requests.fields import (
    CardToken,
    Country,
    EmptyBody,
    Id,
    Integer,
    Moment,
    Note,
    Quantity,
    Text,
    TextOrEmpty,
    Utc,
)

ID = "019c13ec-9e7b-7d53-9a51-5d4c3b2a1f0e"


def read(kind: Any, value: Any) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refusal(kind: Any, value: Any) -> str:
    with pytest.raises(ValidationError) as raised:
        read(kind, value)
    return raised.value.errors()[0]["type"]


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        (Id, ID.upper(), UUID(ID)),
        (Moment, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (Integer, "-12", -12),
        (Text, " Тверская, 1 ", "Тверская, 1"),
        (Text, "a\nb", "a, b"),
        (TextOrEmpty, " ", ""),
        (Text, "می‌خواهم", "می‌خواهم"),
        (Note, "one\n\ttwo\u200b\r\n", "one\n\ttwo"),
        (Note, "", ""),
        (Country, "RU", "RU"),
        (CardToken, "tok_4111", "tok_4111"),
        (Quantity, 1_000_000, 1_000_000),
    ],
)
def test_accepted(kind: Any, given: Any, value: Any) -> None:
    assert read(kind, given) == value


@pytest.mark.parametrize(
    ("kind", "given", "code"),
    [
        (Id, ID.replace("-", ""), "not-a-uuid"),
        (Id, f"{{{ID}}}", "not-a-uuid"),
        (Id, 5, "not-a-uuid"),
        (Moment, "2026-01-31T12:00:00", "not-a-moment"),
        (Moment, "2026-02-30T12:00:00Z", "not-a-moment"),
        (Moment, "9001-01-01T00:00:00Z", "not-a-moment"),
        (Moment, 1, "not-a-moment"),
        (Integer, "1.0", "not-an-integer"),
        (Integer, "١", "not-an-integer"),
        (Text, "a\x1bb", "unprintable-text"),
        (TextOrEmpty, "\x1b", "unprintable-text"),
        (Text, "a\u202eb", "unprintable-text"),
        (Text, "   ", "blank-text"),
        (Note, "a\x00", "unprintable-text"),
        (Country, "UK", "not-a-country"),
        (Country, "ru", "not-a-country"),
        (CardToken, "a b", "not-a-token"),
        (Quantity, 0, "greater_than_equal"),
        (Quantity, True, "int_type"),
    ],
)
def test_refused(kind: Any, given: Any, code: str) -> None:
    assert refusal(kind, given) == code


@pytest.mark.parametrize(
    "number", ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "٤١١١١١١١١١١١١١١١"]
)
def test_T51_a_card_number_is_refused_however_it_is_written(number: str) -> None:
    assert refusal(CardToken, number) == "card-number-not-accepted"


def test_digits_that_are_no_card_number_are_a_token() -> None:
    assert read(CardToken, "4111111111111112") == "4111111111111112"


@pytest.mark.parametrize(
    ("value", "code"), [([], "not-an-object"), ("", "not-an-object"), ({"a": 1}, "extra_forbidden")]
)
def test_an_empty_body_is_an_empty_object(value: Any, code: str) -> None:
    assert refusal(EmptyBody, value) == code
    assert read(EmptyBody, {}) == EmptyBody()


def test_a_timestamp_of_a_response_ends_in_z() -> None:
    assert TypeAdapter(Utc).dump_python(datetime(2026, 1, 31, 12, tzinfo=UTC)) == "2026-01-31T12:00:00Z"
