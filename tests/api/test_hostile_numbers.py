"""T149: numbers that overflow, underflow or are very long, in every place where a request or a file can have one."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from api.requests import fields
from api.requests.amounts import Amount, money
from api.requests.body import parse
from services.catalog.files import UnreadableFile
from services.catalog.importing import InvalidRows, read_import_file
from services.errors import Invalid
from services.money import MAX_MINOR, Money
from tests.api.every_operation import API, WITH_MEMBERS, Asking, example, request_line, with_each

# The fixtures with the limits out of the way.
from tests.api.test_rules import app, asking, callers, roomy

__all__ = ["app", "asking", "callers", "roomy"]

NUMBERS = [
    "1e1000000",
    "-1e1000000",
    "1e-1000000",
    "0e1000000",
    "1e400",
    "-1e400",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "9" * 5_000,
    "-" + "9" * 5_000,
    "0." + "9" * 5_000,
    "1" + "0" * 101 + ".5",
]
MARK = "a-number-goes-here"
AMOUNT: TypeAdapter[str] = TypeAdapter(Amount)
CURRENCIES = ("RUB", "JPY", "KWD", "CLF")


def bodies(operation: str) -> Iterator[Any]:
    """The example with a mark in place of each member, and inside the attributes, which take any JSON."""
    body = example(operation)
    for name in sorted(set(_names(body))):
        yield from with_each(body, (name,), MARK)
    if operation == "POST /products":
        for inner in ({"weight": MARK}, {"sizes": [MARK]}):
            yield body | {"attributes": inner}


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _names(inner)
    if isinstance(value, list):
        for inner in value:
            yield from _names(inner)


@pytest.mark.parametrize("operation", WITH_MEMBERS)
async def test_T149_no_number_in_a_body_is_an_internal_error(asking: Asking, operation: str) -> None:
    for body in bodies(operation):
        for number in NUMBERS:
            content = json.dumps(body).replace(f'"{MARK}"', number).encode()
            answer = await asking.ask(operation, content=content)
            assert answer.status_code == 422, (content[:200], answer.text)


@pytest.mark.parametrize("operation", [each for each in API if each.startswith("GET")])
async def test_T149_no_number_in_a_query_is_an_internal_error(asking: Asking, operation: str) -> None:
    person = asking.callers.of(operation)
    method, path = request_line(operation)
    for number in NUMBERS:
        for name in ("limit", "cursor", "from", "productId"):
            headers = {**(person.headers if person else {})}
            answer = await asking.api.request(method, path, params={name: number}, headers=headers)
            assert answer.status_code < 500, (name, number[:20])


numbers = st.one_of(
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.builds(
        lambda digits, power: f"{digits}e{power}",
        st.from_regex(r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?", fullmatch=True),
        st.one_of(st.integers(-30, 30), st.integers(-(10**20), 10**20)),
    ),
).map(str)


@given(numbers, st.sampled_from(CURRENCIES))
def test_T149_a_number_is_exactly_an_amount_or_refused(number: str, currency: str) -> None:
    value = parse(number.encode())
    try:
        found = money(AMOUNT.validate_python(value), currency)
    except (ValidationError, Invalid):
        return
    assert 1 <= found.minor <= MAX_MINOR
    assert Decimal(found.text) == Decimal(number)


@given(st.one_of(numbers, st.text()), st.sampled_from(CURRENCIES))
def test_T149_text_is_exactly_an_amount_or_refused(text: str, currency: str) -> None:
    try:
        found = Money.parse(text, currency)
    except ValueError:
        return
    assert -MAX_MINOR <= found.minor <= MAX_MINOR
    assert Decimal(found.text) == Decimal(text)


@given(numbers)
def test_T149_text_of_a_query_is_an_integer_or_refused(text: str) -> None:
    try:
        found = TypeAdapter(fields.Integer).validate_python(text)
    except ValidationError:
        return
    assert found == Decimal(text)


@pytest.mark.parametrize("number", [*NUMBERS, "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("member", ["price", "stock", "attributes"])
def test_T149_no_number_in_a_file_ends_an_import_with_an_exception(tmp_path: Path, number: str, member: str) -> None:
    row: dict[str, object] = {"sku": "L-1", "name": "Lamp", "price": "5.00", "currency": "RUB", "stock": 1}
    row[member] = {"weight": MARK} if member == "attributes" else MARK
    products = tmp_path / "products.json"
    products.write_text(json.dumps([row]).replace(f'"{MARK}"', number))
    table = tmp_path / "products.csv"
    row[member] = f'{{"weight": {number}}}' if member == "attributes" else number
    with table.open("w", newline="") as file:
        csv.writer(file).writerows([[*row], [*row.values()]])
    for path in (products, table):
        try:
            found = read_import_file(path, None)
        except (InvalidRows, UnreadableFile):
            continue
        assert member == "attributes"
        stored = json.dumps(found.products[0].attributes, allow_nan=False)
        assert len(stored) < 20_000
