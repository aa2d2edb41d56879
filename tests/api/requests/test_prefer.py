"""`Prefer: wait=N`: the first valid one counts, and the response says that it was applied."""

from __future__ import annotations

import pytest
from fastapi import Response

from api.requests.prefer import WaitPreference, read


@pytest.mark.parametrize(
    ("prefer", "asked"),
    [
        (None, None),
        ("wait=0", 0),
        ("WAIT = 7", 7),
        ('respond-async, wait="9"', 9),
        ("wait=3; foo=bar", 3),
        ("wait=31", 30),
        ("wait=999999999", 30),
        ("wait=-1", None),
        ("wait=x", None),
        ("wait", None),
        ("wait=1.5", None),
    ],
)
def test_preferences(prefer: str | None, asked: int | None) -> None:
    assert read(prefer).asked == asked


def test_a_preference_replaces_the_default_and_is_named_in_the_response() -> None:
    with_one, without = Response(), Response()

    assert WaitPreference(7).seconds(5, with_one) == 7
    assert WaitPreference(None).seconds(5, without) == 5
    assert with_one.headers["preference-applied"] == "wait=7"
    assert "preference-applied" not in without.headers
