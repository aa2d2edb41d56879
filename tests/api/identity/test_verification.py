"""Codes that verify identifiers, over HTTP; the rules themselves are tested with the service."""

from __future__ import annotations

import httpx2
import pytest

from services.bootstrap import Services
from tests.api.identity.answers import comparable, problem_of
from tests.api.people import PASSWORD, Person, a_buyer

ME = "/api/v1/users/me"
AUTH = "/api/v1/auth"


@pytest.fixture
def anna(services: Services) -> Person:
    return a_buyer(services)


def code_to(services: Services, to: str) -> str:
    return [one.variables["code"] for one in services.account_messages.pending(100) if one.to == to][-1]


async def test_T27_known_and_unknown_addresses_get_one_answer(
    api: httpx2.AsyncClient, services: Services, anna: Person
) -> None:
    answers = [
        await api.post(f"{AUTH}/verify/email/send", json={"email": email})
        for email in (anna.email, "nobody@example.com")
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"status": "accepted"})] * 2
    again = [
        await api.post(f"{AUTH}/verify/email/send", json={"email": email})
        for email in (anna.email, "nobody@example.com")
    ]
    assert {problem_of(answer) for answer in again} == {(429, "rate-limited")}
    assert {answer.headers["retry-after"] for answer in again} <= {"59", "60"}


async def test_T28_confirming_keeps_the_session_of_the_request(
    api: httpx2.AsyncClient, services: Services, anna: Person
) -> None:
    other = services.sign_in.login(anna.email, None, PASSWORD).access_token
    await api.post(f"{AUTH}/verify/email/send", json={"email": anna.email})
    body = {"email": anna.email, "code": code_to(services, anna.email)}
    answer = await api.post(f"{AUTH}/verify/email/confirm", json=body, headers=anna.headers)
    assert (answer.status_code, answer.json()) == (200, {"emailVerified": True})
    mine, gone = [await api.get(ME, headers={"Authorization": f"Bearer {token}"}) for token in (anna.token, other)]
    assert (mine.status_code, mine.json()["emailVerified"], gone.status_code) == (200, True, 401)


async def test_T30_T32_wrong_used_and_unknown_codes_get_one_answer(
    api: httpx2.AsyncClient, services: Services, anna: Person
) -> None:
    await api.post(f"{AUTH}/verify/email/send", json={"email": anna.email})
    code = code_to(services, anna.email)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    bodies = [
        {"email": anna.email, "code": wrong},
        {"email": "nobody@example.com", "code": code},
        {"email": anna.email, "code": "x"},
    ]
    answers = [await api.post(f"{AUTH}/verify/email/confirm", json=body) for body in bodies]
    await api.post(f"{AUTH}/verify/email/confirm", json={"email": anna.email, "code": code})
    answers.append(await api.post(f"{AUTH}/verify/email/confirm", json={"email": anna.email, "code": code}))
    assert problem_of(answers[0]) == (422, "invalid-code")
    assert len({str(comparable(answer)) for answer in answers}) == 1


async def test_T17_an_unverified_identifier_may_sign_in(api: httpx2.AsyncClient, anna: Person) -> None:
    answer = await api.post(f"{AUTH}/login/email", json={"email": anna.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["tokenType"], answer.json()["expiresIn"]) == (200, "Bearer", 600)
