"""Registration and profile over HTTP; the rules themselves are tested with the service."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from services.bootstrap import Services
from tests.api.people import PASSWORD, Person

AUTH = "/api/v1/auth"
NAMES = {"firstName": "Анна", "lastName": "Иванова"}


def problem_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


@pytest.mark.parametrize(
    ("kind", "typed", "kept"),
    [("email", "Anna@EXAMPLE.com", "Anna@example.com"), ("phone", "8 (900) 000-00-01", "+79000000001")],
)
async def test_register_sign_in_and_get_the_profile(
    api: httpx2.AsyncClient, services: Services, kind: str, typed: str, kept: str
) -> None:
    registered = await api.post(f"{AUTH}/register/{kind}", json={**NAMES, kind: typed, "password": PASSWORD})
    signed_in = await api.post(f"{AUTH}/login/{kind}", json={kind: typed, "password": PASSWORD})

    assert registered.status_code == 201
    assert registered.json() == {
        **NAMES,
        "id": registered.json()["id"],
        "email": None,
        "phone": None,
        "emailVerified": False,
        "phoneVerified": False,
        kind: kept,
    }
    tokens = signed_in.json()
    assert (signed_in.status_code, tokens["tokenType"], tokens["expiresIn"]) == (200, "Bearer", 600)
    assert tokens.keys() == {"accessToken", "refreshToken", "tokenType", "expiresIn"}
    me = await api.get("/api/v1/users/me", headers={"Authorization": f"bearer {tokens['accessToken']}"})
    assert me.json() == registered.json()


async def test_T42_exactly_the_seven_fields(api: httpx2.AsyncClient, buyer: Person) -> None:
    me = (await api.get("/api/v1/users/me", headers=buyer.headers)).json()

    assert list(me) == ["id", "firstName", "lastName", "email", "phone", "emailVerified", "phoneVerified"]


async def test_T01_a_taken_address(api: httpx2.AsyncClient, buyer: Person) -> None:
    answer = await api.post(
        f"{AUTH}/register/email", json={**NAMES, "email": buyer.email.upper(), "password": PASSWORD}
    )

    assert problem_of(answer) == (409, "already-registered")


async def test_T04_a_weak_password(api: httpx2.AsyncClient, services: Services) -> None:
    answer = await api.post(f"{AUTH}/register/email", json={**NAMES, "email": "a@example.com", "password": "password"})

    assert problem_of(answer) == (422, "password-too-weak")


@pytest.mark.parametrize("field", ["emailVerified", "role", "id", "isActive", "phone"])
async def test_T06_fields_that_nobody_may_set(api: httpx2.AsyncClient, services: Services, field: str) -> None:
    body = {**NAMES, "email": "a@example.com", "password": PASSWORD, field: True}

    answer = await api.post(f"{AUTH}/register/email", json=body)

    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{field}"]


async def test_T12_unknown_address_and_wrong_password_get_one_answer(api: httpx2.AsyncClient, buyer: Person) -> None:
    wrong = await api.post(f"{AUTH}/login/email", json={"email": buyer.email, "password": "wrong"})
    unknown = await api.post(f"{AUTH}/login/email", json={"email": "nobody@example.com", "password": "wrong"})

    assert problem_of(wrong) == (401, "invalid-credentials")
    body, other = wrong.json(), unknown.json()
    del body["traceId"], other["traceId"]
    assert body == other


@pytest.mark.parametrize(
    "phone", ["a@example.com", "' OR 1=1 --", {"$gt": ""}, ["+79000000001"], 79000000001, "+7900\x00"]
)
async def test_T18_invalid_phone_numbers(api: httpx2.AsyncClient, services: Services, phone: Any) -> None:
    answer = await api.post(f"{AUTH}/login/phone", json={"phone": phone, "password": PASSWORD})

    assert problem_of(answer) == (422, "validation-error")


async def test_an_operator_token_has_no_profile(api: httpx2.AsyncClient, operator: Person) -> None:
    assert problem_of(await api.get("/api/v1/users/me", headers=operator.headers)) == (404, "not-found")
