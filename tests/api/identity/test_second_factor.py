"""Operators with accounts over HTTP: adding a second factor, and signing in with its codes."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx2
import jwt
import pyotp
import pytest

from services.bootstrap import Services
from tests.api.identity.answers import problem_of
from tests.api.people import PASSWORD, Person, a_buyer

API = "/api/v1"
OTP = f"{API}/users/me/otp"
LOGIN = f"{API}/auth/login/email"
#: An operation of operators alone.
ORDERS = f"{API}/orders"


@pytest.fixture
def granted(services: Services) -> Person:
    """A session of an operator's account that has no second factor."""
    person = a_buyer(services)
    assert person.id is not None
    services.database.execute("UPDATE identity.users SET email_verified = true WHERE id = %(id)s", {"id": person.id})
    services.operators.grant(person.id)
    token = services.sign_in.login(person.email, None, PASSWORD).access_token
    return Person(token, person.id, person.email)


async def log_in(api: httpx2.AsyncClient, email: str, **more: str) -> httpx2.Response:
    return await api.post(LOGIN, json={"email": email, "password": PASSWORD, **more})


async def enrol(api: httpx2.AsyncClient, person: Person) -> tuple[pyotp.TOTP, list[str]]:
    """The app on the operator's phone, and the recovery codes."""
    started = await api.post(OTP, json={"currentPassword": PASSWORD}, headers=person.headers)
    assert started.status_code == 200
    app = pyotp.parse_uri(started.json()["uri"])
    assert isinstance(app, pyotp.TOTP)
    assert (app.secret, app.name) == (started.json()["secret"], person.email)
    confirmed = await api.post(f"{OTP}/confirm", json={"code": app.now()}, headers=person.headers)
    assert confirmed.status_code == 200
    return app, confirmed.json()["recoveryCodes"]


def bearer(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 200
    return {"Authorization": f"Bearer {answer.json()['accessToken']}"}


def role(answer: httpx2.Response) -> Any:
    token = answer.json()["accessToken"]
    return jwt.decode(token, options={"verify_signature": False})["role"]


async def test_T166_no_second_factor_no_operation_of_operators(api: httpx2.AsyncClient, granted: Person) -> None:
    assert problem_of(await api.get(ORDERS, headers=granted.headers)) == (403, "forbidden")
    state = await api.get(OTP, headers=granted.headers)
    assert state.json() == {"required": True, "enabled": False, "recoveryCodesLeft": 0}

    _, codes = await enrol(api, granted)
    assert problem_of(await api.get(ORDERS, headers=granted.headers)) == (403, "forbidden")
    signed_in = await log_in(api, granted.email, otp=codes[0])
    assert role(signed_in) == "operator"
    assert (await api.get(ORDERS, headers=bearer(signed_in))).status_code == 200
    state = await api.get(OTP, headers=bearer(signed_in))
    assert state.json() == {"required": True, "enabled": True, "recoveryCodesLeft": 9}
    renewed = await api.post(f"{API}/auth/refresh", json={"refreshToken": signed_in.json()["refreshToken"]})
    assert role(renewed) == "operator"
    assert (await api.get(ORDERS, headers=bearer(renewed))).status_code == 200


async def test_T166_a_missing_and_a_wrong_code_are_401(api: httpx2.AsyncClient, granted: Person) -> None:
    await enrol(api, granted)
    missing = await log_in(api, granted.email)
    wrong = await log_in(api, granted.email, otp="00000")
    assert [problem_of(each) for each in (missing, wrong)] == [(401, "invalid-code")] * 2
    assert "authenticator app" in missing.json()["detail"]
    assert "errors" not in wrong.json()
    for otp in (None, 123456, "1" * 65):
        answer = await api.post(LOGIN, json={"email": granted.email, "password": PASSWORD, "otp": otp})
        assert problem_of(answer) == (422, "validation-error")


async def test_T165_the_same_code_at_once_signs_in_once(
    api: httpx2.AsyncClient, services: Services, granted: Person
) -> None:
    app, _ = await enrol(api, granted)
    services.database.execute("UPDATE identity.second_factors SET last_step = 0")
    code = app.now()
    answers = await asyncio.gather(*(log_in(api, granted.email, otp=code) for _ in range(4)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 401: 3}
    assert problem_of(await log_in(api, granted.email, otp=code)) == (401, "invalid-code")


async def test_T165_guesses_of_codes_are_delayed(api: httpx2.AsyncClient, granted: Person) -> None:
    _, codes = await enrol(api, granted)
    failed = [problem_of(await log_in(api, granted.email, otp="00000")) for _ in range(5)]
    waiting = await log_in(api, granted.email, otp=codes[0])
    assert failed == [(401, "invalid-code")] * 5
    assert problem_of(waiting) == (429, "rate-limited")
    assert waiting.headers["retry-after"] == "1"


async def test_T166_a_buyer_cannot_add_a_second_factor_and_signs_in_as_before(
    api: httpx2.AsyncClient, buyer: Person
) -> None:
    refused = await api.post(OTP, json={"currentPassword": PASSWORD}, headers=buyer.headers)
    assert problem_of(refused) == (403, "forbidden")
    assert role(await log_in(api, buyer.email)) == "buyer"
    assert role(await log_in(api, buyer.email, otp="123456")) == "buyer"
    wrong = {"email": buyer.email, "password": "wrong-Password-1", "otp": "123456"}
    assert problem_of(await api.post(LOGIN, json=wrong)) == (401, "invalid-credentials")


async def test_enrolment_is_refused_by_state_password_and_code(api: httpx2.AsyncClient, granted: Person) -> None:
    async def ask(path: str, **body: str) -> tuple[int, str]:
        return problem_of(await api.post(f"{OTP}{path}", json=body, headers=granted.headers))

    assert await ask("", currentPassword="no") == (403, "invalid-credentials")
    assert await ask("/confirm", code="123456") == (409, "invalid-transition")
    assert await ask("/remove", currentPassword=PASSWORD, code="123456") == (409, "invalid-transition")
    await enrol(api, granted)
    assert await ask("", currentPassword=PASSWORD) == (409, "invalid-transition")
    assert await ask("/remove", currentPassword="no", code="123456") == (403, "invalid-credentials")
    refused = await api.post(
        f"{OTP}/remove", json={"currentPassword": PASSWORD, "code": "00000"}, headers=granted.headers
    )
    assert (problem_of(refused), refused.json()["errors"][0]["pointer"]) == ((422, "invalid-code"), "/code")


async def test_removing_ends_the_session_too(api: httpx2.AsyncClient, granted: Person) -> None:
    _, codes = await enrol(api, granted)
    body = {"currentPassword": PASSWORD, "code": codes[3]}
    removed = await api.post(f"{OTP}/remove", json=body, headers=granted.headers)
    assert (removed.status_code, removed.content) == (204, b"")
    assert problem_of(await api.get(OTP, headers=granted.headers)) == (401, "unauthenticated")
    assert role(await log_in(api, granted.email)) == "buyer"


async def test_T166_a_minted_token_has_no_second_factor(api: httpx2.AsyncClient, operator: Person) -> None:
    assert problem_of(await api.get(OTP, headers=operator.headers)) == (404, "not-found")
    for request in (
        api.post(OTP, json={"currentPassword": PASSWORD}, headers=operator.headers),
        api.post(f"{OTP}/confirm", json={"code": "123456"}, headers=operator.headers),
    ):
        assert problem_of(await request) == (403, "forbidden")
    assert (await api.get(ORDERS, headers=operator.headers)).status_code == 200
