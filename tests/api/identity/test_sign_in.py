"""Signing in, refreshing tokens, signing out and sessions over HTTP; the rules are tested with the service."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx2
import jwt
import pytest

from services.bootstrap import Services
from services.identity.views import RegisterUser, Scope
from tests.api.identity.answers import comparable, problem_of
from tests.api.people import PASSWORD, Person, a_service
from tests.services.identity.doubles import CLIENTS

API = "/api/v1"
AUTH = f"{API}/auth"
SESSIONS = f"{API}/users/me/sessions"
NEW = "quite another set of words"
EMAIL = "anna@example.com"

Tokens = dict[str, Any]


@pytest.fixture
def anna(services: Services) -> RegisterUser:
    wanted = RegisterUser("Anna", "Ivanova", EMAIL, None, PASSWORD)
    services.identity.register(wanted)
    return wanted


async def enter(api: httpx2.AsyncClient, password: str = PASSWORD, client: str = "Firefox") -> Tokens:
    answer = await api.post(
        f"{AUTH}/login/email", json={"email": EMAIL, "password": password}, headers={"User-Agent": client}
    )
    assert answer.status_code == 200
    tokens: Tokens = answer.json()
    return tokens


def bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['accessToken']}"}


async def refresh(api: httpx2.AsyncClient, token: str, key: str | None = None) -> httpx2.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return await api.post(f"{AUTH}/refresh", json={"refreshToken": token}, headers=headers)


async def is_known(api: httpx2.AsyncClient, tokens: Tokens) -> bool:
    status = (await api.get(f"{API}/users/me", headers=bearer(tokens))).status_code
    assert status in (200, 401)
    return status == 200


async def test_T12_one_answer_for_unknown_wrong_disabled_and_locked(
    api: httpx2.AsyncClient, services: Services, buyer: Person, other: Person
) -> None:
    assert other.id is not None
    services.identity.set_active(other.id, False)
    attempts = [("nobody@example.com", PASSWORD), (buyer.email, "wrong"), (other.email, PASSWORD), (other.email, "no")]
    answers = [
        await api.post(f"{AUTH}/login/email", json={"email": email, "password": password})
        for email, password in attempts
    ]
    assert {problem_of(answer) for answer in answers} == {(401, "invalid-credentials")}
    assert len({str(comparable(answer)) for answer in answers}) == 1


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.com"])
async def test_T13_five_failures_delay_the_next_login(api: httpx2.AsyncClient, anna: RegisterUser, email: str) -> None:
    wrong = {"email": email, "password": "wrong-Password-1"}
    failed = [problem_of(await api.post(f"{AUTH}/login/email", json=wrong)) for _ in range(5)]
    waiting = await api.post(f"{AUTH}/login/email", json={"email": email, "password": PASSWORD})

    assert failed == [(401, "invalid-credentials")] * 5
    assert problem_of(waiting) == (429, "rate-limited")
    assert waiting.headers["retry-after"] == "1"


async def test_T13_fifty_guesses_at_once(api: httpx2.AsyncClient, anna: RegisterUser) -> None:
    wrong = {"email": EMAIL, "password": "wrong-Password-1"}
    answers = await asyncio.gather(*(api.post(f"{AUTH}/login/email", json=wrong) for _ in range(50)))

    found = Counter(answer.status_code for answer in answers)
    assert found.pop(401, 0) <= 5
    assert found.keys() <= {429, 503}
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code != 401)


async def test_T20_T22_T23_refreshing(api: httpx2.AsyncClient, services: Services, anna: RegisterUser) -> None:
    first = await enter(api)
    renewed = await refresh(api, first["refreshToken"], "key-1")
    assert (renewed.status_code, renewed.json()["tokenType"], renewed.json()["expiresIn"]) == (200, "Bearer", 600)
    assert (await refresh(api, first["refreshToken"], "key-1")).json() == renewed.json()

    strange = [first["accessToken"], first["refreshToken"][:-1], "' OR 1=1 --", "", "x" * 8000]
    answers = [await refresh(api, token) for token in strange]
    assert await is_known(api, renewed.json())
    with services.database.transaction() as tx:
        tx.execute("UPDATE identity.tokens SET spent_at = spent_at - interval '61 seconds'")
    answers += [await refresh(api, first["refreshToken"]), await refresh(api, renewed.json()["refreshToken"])]
    assert {problem_of(answer) for answer in answers} == {(401, "invalid-token")}
    assert len({str(comparable(answer)) for answer in answers}) == 1
    assert not await is_known(api, renewed.json())


async def test_T21_T126_fifty_at_once_get_one_pair(api: httpx2.AsyncClient, anna: RegisterUser) -> None:
    token = (await enter(api))["refreshToken"]

    answers = await asyncio.gather(*(refresh(api, token) for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {200: 50}
    assert len({answer.text for answer in answers}) == 1
    assert await is_known(api, answers[0].json())


async def test_T25_T26_signing_out(api: httpx2.AsyncClient, anna: RegisterUser) -> None:
    here, there = await enter(api), await enter(api)
    for token in ("nonsense", here["accessToken"], here["refreshToken"], here["refreshToken"]):
        answer = await api.post(f"{AUTH}/logout", json={"refreshToken": token})
        assert (answer.status_code, answer.content) == (204, b"")
    assert [await is_known(api, here) for _ in range(100)] == [False] * 100
    assert await is_known(api, there)
    assert problem_of(await refresh(api, here["refreshToken"])) == (401, "invalid-token")


async def test_a_token_that_is_not_a_string_is_invalid(api: httpx2.AsyncClient, services: Services) -> None:
    for operation in ("refresh", "logout"):
        for body in ({}, {"refreshToken": None}, {"refreshToken": 1}, {"refreshToken": "x" * 8193}):
            assert problem_of(await api.post(f"{AUTH}/{operation}", json=body)) == (422, "validation-error")


async def test_own_sessions(api: httpx2.AsyncClient, anna: RegisterUser) -> None:
    first, second = await enter(api, client="Firefox"), await enter(api, client="curl/8 \t")
    listed = await api.get(SESSIONS, headers=bearer(second))

    assert listed.json()["nextCursor"] is None
    shown = listed.json()["items"]
    assert [(each["client"], each["current"]) for each in shown] == [("curl", True), ("Firefox", False)]
    assert list(shown[0]) == ["id", "client", "createdAt", "lastUsedAt", "expiresAt", "current"]
    assert shown[0]["expiresAt"] > shown[0]["lastUsedAt"] == shown[0]["createdAt"]
    assert shown[0]["createdAt"].endswith("Z")
    ended = await api.delete(f"{SESSIONS}/{shown[1]['id']}", headers=bearer(second))
    assert (ended.status_code, await is_known(api, first), await is_known(api, second)) == (204, False, True)
    assert problem_of(await api.delete(f"{SESSIONS}/{shown[1]['id']}", headers=bearer(second))) == (404, "not-found")


async def test_sessions_in_pages(api: httpx2.AsyncClient, anna: RegisterUser) -> None:
    tokens = [await enter(api, client=client) for client in CLIENTS]
    seen: list[list[str]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = (await api.get(f"{SESSIONS}?limit=4{cursor and f'&cursor={cursor}'}", headers=bearer(tokens[-1]))).json()
        seen.append([each["client"] for each in page["items"]])
        cursor = page["nextCursor"]

    newest = CLIENTS[:1:-1]
    assert seen == [newest[:4], newest[4:8], newest[8:]]
    assert problem_of(await refresh(api, tokens[0]["refreshToken"])) == (401, "invalid-token")


async def test_the_session_of_another_account_is_not_found(
    api: httpx2.AsyncClient, anna: RegisterUser, buyer: Person
) -> None:
    tokens = await enter(api)
    [own] = (await api.get(SESSIONS, headers=bearer(tokens))).json()["items"]
    answers = [
        await api.delete(f"{SESSIONS}/{session_id}", headers=buyer.headers)
        for session_id in (own["id"], "0190f3a4-6c1e-7d53-9a51-2f6d3c1b7e10")
    ]

    assert {problem_of(answer) for answer in answers} == {(404, "not-found")}
    assert len({str(comparable(answer)) for answer in answers}) == 1
    assert await is_known(api, tokens)


async def test_T33_T34_T35_changing_the_password(api: httpx2.AsyncClient, anna: RegisterUser) -> None:
    here, there = await enter(api), await enter(api)

    async def change(current: str, new: str) -> httpx2.Response:
        body = {"currentPassword": current, "newPassword": new}
        return await api.post(f"{AUTH}/password/change", json=body, headers=bearer(here))

    assert problem_of(await change("wrong", NEW)) == (403, "invalid-credentials")
    for weak in ("short", PASSWORD):
        refused = await change(PASSWORD, weak)
        assert problem_of(refused) == (422, "password-too-weak")
        assert [error["pointer"] for error in refused.json()["errors"]] == ["/newPassword"]
    changed = await change(PASSWORD, NEW)
    assert (changed.status_code, changed.content) == (204, b"")
    assert [await is_known(api, here), await is_known(api, there)] == [True, False]
    assert problem_of(await refresh(api, there["refreshToken"])) == (401, "invalid-token")
    old = await api.post(f"{AUTH}/login/email", json={"email": EMAIL, "password": PASSWORD})
    assert problem_of(old) == (401, "invalid-credentials")
    assert await is_known(api, await enter(api, NEW))
    limited = [problem_of(await change("wrong", PASSWORD)) for _ in range(6)]
    assert limited == [(403, "invalid-credentials")] * 5 + [(429, "rate-limited")]


async def test_T33_needs_a_password_and_the_token_of_an_account(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    for missing in body:
        rest = {name: value for name, value in body.items() if name != missing}
        answer = await api.post(f"{AUTH}/password/change", json=rest, headers=buyer.headers)
        assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{missing}"]
    for person in (operator, a_service(services, Scope.ORDERS_READ)):
        answer = await api.post(f"{AUTH}/password/change", json=body, headers=person.headers)
        assert problem_of(answer) == (403, "forbidden")
    assert (await api.get(SESSIONS, headers=operator.headers)).status_code == 404


async def test_claims_of_the_access_token(api: httpx2.AsyncClient, anna: RegisterUser) -> None:
    tokens = await enter(api)
    renewed = (await refresh(api, tokens["refreshToken"])).json()
    before, after = (jwt.decode(each["accessToken"], options={"verify_signature": False}) for each in (tokens, renewed))

    assert (before["sid"], before["sub"]) == (after["sid"], after["sub"])
    assert before["jti"] != after["jti"]
    assert after["exp"] - after["iat"] == 600
