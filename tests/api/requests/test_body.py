"""Bodies: limited in size, strict JSON, and read after authorization only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from uuid import uuid4

import httpx2
import pytest

from api.requests.body import parse
from services.bootstrap import Services
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product, placed

JSON = {"Content-Type": "application/json"}
WITH_BODY = [
    "/api/v1/auth/register/email",
    "/api/v1/auth/register/phone",
    "/api/v1/auth/login/email",
    "/api/v1/auth/login/phone",
    ORDERS,
]
STEPS = ["reserve", "pay", "confirm", "cancel"]


def slug(answer: httpx2.Response) -> str:
    return str(answer.json()["type"].removeprefix("/problems/"))


@pytest.fixture(params=WITH_BODY)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_G5_a_body_of_65_KiB_answers_413(api: httpx2.AsyncClient, buyer: Person, path: str) -> None:
    content = b'{"a": "' + b"x" * 65 * 1024 + b'"}'

    answer = await api.post(path, content=content, headers={**buyer.headers, **JSON})

    assert (answer.status_code, slug(answer)) == (413, "payload-too-large")


async def test_G5_a_large_body_without_content_length_answers_413(
    api: httpx2.AsyncClient, buyer: Person, path: str
) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(65):
            yield b" " * 1024

    answer = await api.post(path, content=chunks(), headers={**buyer.headers, **JSON})

    assert "content-length" not in answer.request.headers
    assert (answer.status_code, slug(answer)) == (413, "payload-too-large")


async def test_G5_a_body_of_64_KiB_is_accepted(api: httpx2.AsyncClient, buyer: Person, path: str) -> None:
    answer = await api.post(path, content=b"{}".ljust(64 * 1024), headers={**buyer.headers, **JSON})

    assert answer.status_code == 422


async def test_G5_the_depth_of_json_is_limited(api: httpx2.AsyncClient, buyer: Person, path: str) -> None:
    for depth in (21, 60_000):
        content = b'{"a":' * 1 + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"
        answer = await api.post(path, content=content[: 64 * 1024], headers={**buyer.headers, **JSON})
        assert (answer.status_code, slug(answer)) in ((422, "validation-error"), (400, "malformed-json"))
    assert answer.status_code < 500


@pytest.mark.parametrize(
    "content_type",
    [None, "text/plain", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
async def test_G6_other_media_types_answer_415(
    api: httpx2.AsyncClient, buyer: Person, path: str, content_type: str | None
) -> None:
    headers = {**buyer.headers, **({"Content-Type": content_type} if content_type else {})}

    answer = await api.post(path, content=b"{}", headers=headers)

    assert (answer.status_code, slug(answer)) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"']
)
async def test_spellings_of_the_json_media_type_are_accepted(
    api: httpx2.AsyncClient, path: str, buyer: Person, content_type: str
) -> None:
    answer = await api.post(path, content=b"{}", headers={**buyer.headers, "Content-Type": content_type})

    assert answer.status_code == 422


BROKEN = {
    "nothing": b"",
    "cut": b'{"a": 1',
    "trailing": b"{} x",
    "single quotes": b"{'a': 1}",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": [-Infinity]}',
    "duplicate keys": b'{"a": 1, "a": 2}',
    "duplicate keys inside": b'{"b": [{"a": 1, "a": 1}]}',
    "invalid UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf{}",
    "lone surrogate": b'{"a": "\\ud800"}',
    "lone surrogate as a name": b'{"\\udc00": 1}',
    "raw control character": b'{"a": "\n"}',
    "leading zero": b'{"a": 01}',
}


async def test_G6_malformed_json_answers_400(api: httpx2.AsyncClient, buyer: Person, path: str) -> None:
    for name, content in BROKEN.items():
        answer = await api.post(path, content=content, headers={**buyer.headers, **JSON})
        assert (answer.status_code, slug(answer)) == (400, "malformed-json"), name


async def test_G6_the_character_U_0000_is_refused(api: httpx2.AsyncClient, buyer: Person, path: str) -> None:
    for content in (b'{"a": "\\u0000"}', b'{"a\\u0000": 1}'):
        answer = await api.post(path, content=content, headers={**buyer.headers, **JSON})
        assert (answer.status_code, slug(answer)) == (422, "validation-error")
        assert answer.json()["detail"] == "U+0000 cannot be stored."


async def test_G4_a_body_that_is_not_an_object_answers_422(api: httpx2.AsyncClient, buyer: Person, path: str) -> None:
    for content in (b"[]", b"1", b'"x"', b"null", b"true", b"1e400"):
        answer = await api.post(path, content=content, headers={**buyer.headers, **JSON})
        assert (answer.status_code, slug(answer)) == (422, "validation-error"), content


async def test_G4_errors_do_not_repeat_values(api: httpx2.AsyncClient, buyer: Person, path: str) -> None:
    canary = "canary-7f3a"
    names = ("firstName", "email", "phone", "password", "productId", "items", "country", "x", "4111111111111111")
    sent = dict.fromkeys(names, canary)

    answer = await api.post(path, json={**sent, f"{canary} ": 1, "lastName": [canary]}, headers=buyer.headers)

    assert answer.status_code == 422
    assert canary not in answer.text
    assert "4111111111111111" not in answer.text


async def test_G4_at_most_twenty_errors_are_reported(api: httpx2.AsyncClient, buyer: Person) -> None:
    answer = await api.post(ORDERS, json={**ADDRESS, "items": [{"productId": 1}] * 400}, headers=buyer.headers)

    assert len(answer.json()["errors"]) == 20


@pytest.mark.parametrize("step", STEPS)
async def test_steps_accept_an_empty_body(
    api: httpx2.AsyncClient, buyer: Person, services: Services, step: str
) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    no_wait = {**buyer.headers, "Prefer": "wait=0"}

    for more in ({}, {"Content-Type": "text/plain"}, JSON):
        answer = await api.post(f"{ORDERS}/{order_id}/{step}", headers={**no_wait, **more})
        assert answer.status_code in (202, 409)


@pytest.mark.parametrize("step", STEPS)
async def test_steps_refuse_an_invalid_body(
    api: httpx2.AsyncClient, buyer: Person, services: Services, step: str
) -> None:
    path = f"{ORDERS}/{uuid4()}/{step}"
    sent = {
        "415": (b"{}", {"Content-Type": "text/plain"}),
        "400": (b"{", JSON),
        "422": (b'{"order": 1}', JSON),
        "404": (b"{}", JSON),
    }

    for status, (content, headers) in sent.items():
        answer = await api.post(path, content=content, headers={**buyer.headers, **headers})
        assert answer.status_code == int(status)


async def test_checks_run_in_the_documented_order(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    await placed(api, buyer, services)
    large = b'{"a": "' + b"x" * 70_000 + b'"}'
    text = {"Content-Type": "text/plain"}

    unknown = await api.post(ORDERS, content=large, headers=text)
    wrong_role = await api.post(ORDERS, content=large, headers={**operator.headers, **text})
    too_large = await api.post(ORDERS, content=large, headers={**buyer.headers, **text})
    invalid = await api.post(f"{ORDERS}/{uuid4()}/cancel", content=b'{"reason": 1}', headers={**buyer.headers, **JSON})

    assert [answer.status_code for answer in (unknown, wrong_role, too_large, invalid)] == [401, 403, 413, 422]


def test_decimal_numbers_keep_all_digits() -> None:
    assert parse(b'{"a": 10.10, "b": 12345678901234567890}') == {"a": Decimal("10.10"), "b": 12345678901234567890}
    assert parse(b"1e99999999999999999999") == Decimal("Infinity")
    assert parse(b"9" * 60_000) == parse(b"1e101") == parse(b"1e-101") == Decimal("Infinity")


async def test_a_product_id_in_upper_case_is_accepted(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    product_id = str(a_product(services)).upper()

    answer = await api.post(ORDERS, json={"productId": product_id, **ADDRESS}, headers=buyer.headers)

    assert answer.status_code == 201
