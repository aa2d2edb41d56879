"""Rules for the body of every operation: limited, strict, and never repeated in a response (G4, G5, G6, G13)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.api.every_operation import API, WITH_BODY, WITH_MEMBERS, Asking, example, slug, with_each
from tests.api.requests.test_body import BROKEN

# The fixtures with the limits out of the way.
from tests.api.test_rules import app, asking, callers, roomy

__all__ = ["app", "asking", "callers", "roomy"]

CANARY = "canary-7f3a"
LARGE = 64 * 1024 + 1


def refusal(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, slug(answer)


@pytest.mark.parametrize("operation", API)
async def test_G5_a_large_content_length_answers_413(asking: Asking, operation: str) -> None:
    answer = await asking.ask(operation, content=b"x" * LARGE)

    assert refusal(answer) == (413, "payload-too-large")


@pytest.mark.parametrize("operation", WITH_BODY)
async def test_G5_a_large_body_without_content_length_answers_413(asking: Asking, operation: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1024

    answer = await asking.ask(operation, content=chunks())

    assert "content-length" not in answer.request.headers
    assert refusal(answer) == (413, "payload-too-large")


@pytest.mark.parametrize("operation", WITH_BODY)
async def test_G5_the_depth_of_json_is_limited(asking: Asking, operation: str) -> None:
    for depth in (20, 21, 30_000):
        answer = await asking.ask(operation, content=b'{"a":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}")
        assert refusal(answer) == (422, "validation-error"), depth
        assert ("nested deeper" in answer.json()["detail"]) is (depth > 20), depth


@pytest.mark.parametrize("operation", WITH_BODY)
async def test_G6_other_media_types_answer_415(asking: Asking, operation: str) -> None:
    for media_type in ("text/plain", "application/xml", "multipart/form-data", "application/json; charset=latin-1", ""):
        answer = await asking.ask(operation, content=b"{}", headers={"Content-Type": media_type})
        assert refusal(answer) == (415, "unsupported-media-type"), media_type


@pytest.mark.parametrize("operation", WITH_BODY)
async def test_G6_malformed_json_answers_400(asking: Asking, operation: str) -> None:
    for name, content in BROKEN.items():
        if content:
            answer = await asking.ask(operation, content=content)
            assert refusal(answer) == (400, "malformed-json"), name


@pytest.mark.parametrize("operation", WITH_BODY)
async def test_G6_the_character_U_0000_is_refused(asking: Asking, operation: str) -> None:
    for content in (b'{"a": "\\u0000"}', b'{"a\\u0000": 1}', b'{"a": {"b": ["\\u0000"]}}'):
        assert refusal(await asking.ask(operation, content=content)) == (422, "validation-error")


@pytest.mark.parametrize("operation", WITH_BODY)
async def test_G4_an_unknown_member_answers_422(asking: Asking, operation: str) -> None:
    for name in ("isAdmin", "__proto__", "emailVerified", "role", f"{CANARY} "):
        answer = await asking.ask(operation, content=json.dumps(example(operation) | {name: CANARY}).encode())
        assert refusal(answer) == (422, "validation-error"), name
        assert CANARY not in answer.text, name


@pytest.mark.parametrize("operation", WITH_BODY)
async def test_G4_a_body_that_is_not_an_object_answers_422(asking: Asking, operation: str) -> None:
    for content in (b"[]", b"1", b'"x"', b"true", b"1e400"):
        assert refusal(await asking.ask(operation, content=content)) == (422, "validation-error"), content


WRONG: dict[str, object] = {"list": [CANARY], "true": True, "fraction": 1.5, "object": {CANARY: CANARY}}
#: Members that take what is wrong everywhere else.
TAKEN = {
    ("variables", "object"),
    ("attributes", "object"),
    ("isActive", "true"),
    ("enabled", "true"),
    *((name, "fraction") for name in ("price", "amount")),
}


@pytest.mark.parametrize("operation", WITH_MEMBERS)
async def test_G4_a_value_of_the_wrong_type_answers_422(asking: Asking, operation: str) -> None:
    body = example(operation)
    for name in body:
        for what, value in WRONG.items():
            if (name, what) not in TAKEN:
                answer = await asking.ask(operation, content=json.dumps(body | {name: value}).encode())
                assert answer.status_code == 422, (name, what)
                assert CANARY not in answer.text, (name, what)


BAD_QUANTITIES = [0, -1, 1.5, 1.0, True, "1", 2**31, 10**30, 1_000_001]
BAD_STOCKS = [-1, 1.5, 1.0, True, "1", 10**30]
BAD_AMOUNTS = [0, -1, True, "0", "-1", "1.001", "1e3", "NaN", "", " 1", "1,00", "+1", "١", 10**30, 1.001, "9" * 40, []]
JUDGED_BY_CURRENCY: list[object] = ["1.001", 1.001]
BAD_CURRENCIES = ["rub", "RUBB", "RU", "", "ZZZ", 643, True]
NUMBERS = {
    ("quantity",): BAD_QUANTITIES,
    ("available", "total", "onHand", "stock"): BAD_STOCKS,
    ("price", "amount"): BAD_AMOUNTS,
    ("currency",): BAD_CURRENCIES,
}


@pytest.mark.parametrize("operation", WITH_MEMBERS)
async def test_G13_amounts_and_quantities_outside_the_limits_answer_422(asking: Asking, operation: str) -> None:
    body = example(operation)
    if operation == "POST /orders":
        body = body | {"items": [{"productId": body.pop("productId"), "quantity": 1}]}
    for names, values in NUMBERS.items():
        for value in values:
            for changed in with_each(body, names, value):
                answer = await asking.ask(operation, content=json.dumps(changed).encode())
                # Without a currency of its own an amount is only judged by that of the payment, which is not there.
                unjudged = "amount" in body and "currency" not in body and value in JUDGED_BY_CURRENCY
                assert answer.status_code == (404 if unjudged else 422), (names, value)
