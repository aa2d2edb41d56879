"""Codes, resets and changes of one's own account over HTTP; the rules themselves are tested with the service."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from tests.api.people import PASSWORD, Person, a_buyer
from tests.api.test_sign_in import slug, told

ME = "/api/v1/users/me"
AUTH = "/api/v1/auth"
NEW = "quite another set of words"


@pytest.fixture
def anna(services: Services) -> Person:
    return a_buyer(services)


def code_to(services: Services, to: str) -> str:
    return [one.variables["code"] for one in services.account_messages.pending(100) if one.to == to][-1]


async def test_T27_one_answer_known_or_not(api: httpx2.AsyncClient, services: Services, anna: Person) -> None:
    answers = [
        await api.post(f"{AUTH}/verify/email/send", json={"email": email})
        for email in (anna.email, "nobody@example.com")
    ]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(202, {"status": "accepted"})] * 2
    again = [
        await api.post(f"{AUTH}/verify/email/send", json={"email": email})
        for email in (anna.email, "nobody@example.com")
    ]
    assert {slug(answer) for answer in again} == {(429, "rate-limited")}
    assert {answer.headers["retry-after"] for answer in again} <= {"59", "60"}


async def test_T28_confirmed_by_the_bearer_that_came_along(
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
    assert slug(answers[0]) == (422, "invalid-code")
    assert len({str(told(answer)) for answer in answers}) == 1


async def test_T36_T38_T40_a_reset(api: httpx2.AsyncClient, services: Services, anna: Person) -> None:
    for email in (anna.email, "nobody@example.com"):
        answer = await api.post(f"{AUTH}/password/reset/request", json={"email": email}, headers={"Host": "evil.test"})
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    (message,) = [one for one in services.account_messages.pending(10) if one.to]
    assert "evil" not in str(message)
    body = {"resetToken": message.variables["resetToken"], "newPassword": NEW}
    assert (await api.post(f"{AUTH}/password/reset/confirm", json=body)).status_code == 204
    assert slug(await api.post(f"{AUTH}/password/reset/confirm", json=body)) == (422, "invalid-token")
    assert (await api.get(ME, headers=anna.headers)).status_code == 401
    answer = await api.post(f"{AUTH}/login/email", json={"email": anna.email, "password": NEW})
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{}, {"email": "a@example.com", "phone": "+79991234567"}, {"email": None}])
async def test_T36_neither_or_both(api: httpx2.AsyncClient, body: dict[str, str]) -> None:
    assert slug(await api.post(f"{AUTH}/password/reset/request", json=body)) == (422, "validation-error")


async def test_T43_ones_own_id_is_taken_and_ignored(api: httpx2.AsyncClient, anna: Person, other: Person) -> None:
    mine = await api.patch(ME, json={"id": str(anna.id), "firstName": "Мария"}, headers=anna.headers)
    assert (mine.status_code, mine.json()["firstName"], mine.json()["id"]) == (200, "Мария", str(anna.id))
    for stranger in (str(other.id), str(new_id())):
        answer = await api.patch(ME, json={"id": stranger, "firstName": "Eve"}, headers=anna.headers)
        assert slug(answer) == (422, "immutable-field")
    names = [(await api.get(ME, headers=who.headers)).json()["firstName"] for who in (anna, other)]
    assert names == ["Мария", "Anna"]


@pytest.mark.parametrize("name", ["email", "emailVerified", "phone", "role", "isActive", "password", "createdAt"])
async def test_T44_nothing_else_can_be_patched(api: httpx2.AsyncClient, anna: Person, name: str) -> None:
    answer = await api.patch(ME, json={"firstName": "Eve", name: "x@example.com"}, headers=anna.headers)
    assert slug(answer) == (422, "validation-error")
    assert (await api.get(ME, headers=anna.headers)).json()["firstName"] == "Anna"


@pytest.mark.parametrize(
    "name",
    [None, "", " ", "x" * 101, "a\u202eb", "a\nb", 5, True],
    ids=["null", "empty", "blank", "long", "bidi", "line", "int", "bool"],
)
async def test_T11_no_such_name(api: httpx2.AsyncClient, anna: Person, name: object) -> None:
    answer = await api.patch(ME, json={"lastName": name}, headers=anna.headers)
    assert slug(answer) == (422, "validation-error")


async def test_T11_names_are_kept_literally(api: httpx2.AsyncClient, anna: Person) -> None:
    name = "{{7*7}} ${jndi:ldap://x} <b>bold</b>"
    answer = await api.patch(ME, json={"lastName": name}, headers=anna.headers)
    assert answer.json()["lastName"] == name


async def test_T45_two_at_once_never_mix(api: httpx2.AsyncClient, anna: Person) -> None:
    pairs = [{"firstName": f"F{number}", "lastName": f"L{number}"} for number in range(20)]
    await asyncio.gather(*(api.patch(ME, json=pair, headers=anna.headers) for pair in pairs))
    profile = (await api.get(ME, headers=anna.headers)).json()
    assert {"firstName": profile["firstName"], "lastName": profile["lastName"]} in pairs


async def test_T42_exactly_seven_fields(api: httpx2.AsyncClient, anna: Person) -> None:
    seven = ["email", "emailVerified", "firstName", "id", "lastName", "phone", "phoneVerified"]
    for answer in (await api.get(ME, headers=anna.headers), await api.patch(ME, json={}, headers=anna.headers)):
        assert sorted(answer.json()) == seven


async def test_another_number_by_password_and_code(api: httpx2.AsyncClient, services: Services, anna: Person) -> None:
    body = {"phone": "8 (999) 765-43-21", "currentPassword": "not the password"}
    assert slug(await api.put(f"{ME}/phone", json=body, headers=anna.headers)) == (403, "invalid-credentials")
    answer = await api.put(f"{ME}/phone", json=body | {"currentPassword": PASSWORD}, headers=anna.headers)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert (await api.get(ME, headers=anna.headers)).json()["phone"] is None
    body = {"phone": "+79997654321", "code": code_to(services, "+79997654321")}
    confirmed = await api.post(f"{AUTH}/verify/phone/confirm", json=body, headers=anna.headers)
    assert confirmed.json() == {"phoneVerified": True}
    profile = (await api.get(ME, headers=anna.headers)).json()
    assert (profile["phone"], profile["phoneVerified"]) == ("+79997654321", True)


async def test_a_script_has_no_account_to_change(api: httpx2.AsyncClient, operator: Person) -> None:
    body = {"phone": "+79997654321", "currentPassword": PASSWORD}
    assert slug(await api.put(f"{ME}/phone", json=body, headers=operator.headers)) == (403, "forbidden")
    assert slug(await api.patch(ME, json={"firstName": "A"}, headers=operator.headers)) == (404, "not-found")


WORDS = [
    ("verify_email", {"code": "424242"}, r"(?<!\d)\d{6}(?!\d)"),
    ("verify_phone", {"code": "424242"}, r"(?<!\d)\d{6}(?!\d)"),
    ("password_reset", {"resetToken": "Ab-_" * 10 + "xyz"}, r"[A-Za-z0-9_-]{40,}"),
]


def forms(services: Services, template: str, variables: dict[str, str]) -> Iterator[str]:
    for language in ("ru", "en"):
        letter = services.notifications._templates.email(template, language, variables)
        yield from (letter.text, letter.html, services.notifications._templates.sms(template, language, variables))


@pytest.mark.parametrize(("template", "variables", "run"), WORDS, ids=[word[0] for word in WORDS])
def test_a_message_holds_one_run_that_can_be_the_secret(
    services: Services, template: str, variables: dict[str, str], run: str
) -> None:
    for form in forms(services, template, variables):
        assert re.findall(run, form) == list(variables.values())


def test_T11_a_hostile_client_is_only_words(services: Services) -> None:
    found = list(forms(services, "new_sign_in", {"client": "<script>{{7*7}}</script>", "at": "2026-11-24 10:00 UTC"}))
    assert not any("<script>" in html for html in found[1::3])
    assert all("49" not in form for form in found)


async def test_T17_an_unproven_identifier_may_sign_in(api: httpx2.AsyncClient, anna: Person) -> None:
    answer = await api.post(f"{AUTH}/login/email", json={"email": anna.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["tokenType"], answer.json()["expiresIn"]) == (200, "Bearer", 600)
