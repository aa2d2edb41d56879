"""Changes of the own account over HTTP; the rules themselves are tested with the service."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from tests.api.identity.answers import problem_of
from tests.api.people import PASSWORD, Person, a_buyer

ME = "/api/v1/users/me"
AUTH = "/api/v1/auth"


@pytest.fixture
def anna(services: Services) -> Person:
    return a_buyer(services)


def code_to(services: Services, to: str) -> str:
    return [one.variables["code"] for one in services.account_messages.pending(100) if one.to == to][-1]


async def test_T43_own_id_is_accepted_and_ignored(api: httpx2.AsyncClient, anna: Person, other: Person) -> None:
    mine = await api.patch(ME, json={"id": str(anna.id), "firstName": "Мария"}, headers=anna.headers)
    assert (mine.status_code, mine.json()["firstName"], mine.json()["id"]) == (200, "Мария", str(anna.id))
    for stranger in (str(other.id), str(new_id())):
        answer = await api.patch(ME, json={"id": stranger, "firstName": "Eve"}, headers=anna.headers)
        assert problem_of(answer) == (422, "immutable-field")
    names = [(await api.get(ME, headers=who.headers)).json()["firstName"] for who in (anna, other)]
    assert names == ["Мария", "Anna"]


@pytest.mark.parametrize("name", ["email", "emailVerified", "phone", "role", "isActive", "password", "createdAt"])
async def test_T44_no_other_field_can_be_patched(api: httpx2.AsyncClient, anna: Person, name: str) -> None:
    answer = await api.patch(ME, json={"firstName": "Eve", name: "x@example.com"}, headers=anna.headers)
    assert problem_of(answer) == (422, "validation-error")
    assert (await api.get(ME, headers=anna.headers)).json()["firstName"] == "Anna"


@pytest.mark.parametrize(
    "name",
    [None, "", " ", "x" * 101, "a\u202eb", "a\nb", "evil.example", 5, True],
    ids=["null", "empty", "blank", "long", "bidi", "line", "link", "int", "bool"],
)
async def test_T11_invalid_names(api: httpx2.AsyncClient, anna: Person, name: object) -> None:
    answer = await api.patch(ME, json={"firstName": name}, headers=anna.headers)
    assert problem_of(answer) == (422, "validation-error")


async def test_T11_names_are_kept_literally(api: httpx2.AsyncClient, anna: Person) -> None:
    name = "{{7*7}} ${jndi:ldap} <b>bold</b>"
    answer = await api.patch(ME, json={"lastName": name}, headers=anna.headers)
    assert answer.json()["lastName"] == name


async def test_T45_concurrent_changes_do_not_mix(api: httpx2.AsyncClient, anna: Person) -> None:
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
    assert problem_of(await api.put(f"{ME}/phone", json=body, headers=anna.headers)) == (403, "invalid-credentials")
    answer = await api.put(f"{ME}/phone", json=body | {"currentPassword": PASSWORD}, headers=anna.headers)
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    assert (await api.get(ME, headers=anna.headers)).json()["phone"] is None
    body = {"phone": "+79997654321", "code": code_to(services, "+79997654321")}
    confirmed = await api.post(f"{AUTH}/verify/phone/confirm", json=body, headers=anna.headers)
    assert confirmed.json() == {"phoneVerified": True}
    profile = (await api.get(ME, headers=anna.headers)).json()
    assert (profile["phone"], profile["phoneVerified"]) == ("+79997654321", True)


async def test_T124_null_removes_an_identifier_but_not_the_last_one(
    api: httpx2.AsyncClient, services: Services, anna: Person
) -> None:
    none = {"email": None, "currentPassword": PASSWORD}
    last = await api.put(f"{ME}/email", json=none, headers=anna.headers)
    assert problem_of(last) == (422, "validation-error")
    assert [error["pointer"] for error in last.json()["errors"]] == ["/email"]
    body = {"phone": "+79997654321", "currentPassword": PASSWORD}
    assert (await api.put(f"{ME}/phone", json=body, headers=anna.headers)).status_code == 202
    body = {"phone": "+79997654321", "code": code_to(services, "+79997654321")}
    assert (await api.post(f"{AUTH}/verify/phone/confirm", json=body, headers=anna.headers)).status_code == 200
    for wrong in ({"email": None}, {"currentPassword": PASSWORD}, none | {"currentPassword": None}):
        answer = await api.put(f"{ME}/email", json=wrong, headers=anna.headers)
        assert problem_of(answer) == (422, "validation-error")
    refused = await api.put(f"{ME}/email", json=none | {"currentPassword": "wrong"}, headers=anna.headers)
    assert problem_of(refused) == (403, "invalid-credentials")
    removed = await api.put(f"{ME}/email", json=none, headers=anna.headers)
    assert (removed.status_code, removed.json()) == (202, {"status": "accepted"})
    profile = (await api.get(ME, headers=anna.headers)).json()
    assert (profile["email"], profile["emailVerified"], profile["phone"]) == (None, False, "+79997654321")


async def test_T122_T123_a_code_is_valid_in_the_session_that_asked_for_it(
    api: httpx2.AsyncClient, services: Services, anna: Person, other: Person
) -> None:
    body = {"phone": "+79997654321", "currentPassword": PASSWORD}
    await api.put(f"{ME}/phone", json=body, headers=anna.headers)
    body = {"phone": "+79997654321", "code": code_to(services, "+79997654321")}
    second = services.sign_in.login(anna.email, None, PASSWORD).access_token
    for headers in ({}, other.headers, {"Authorization": f"Bearer {second}"}):
        answer = await api.post(f"{AUTH}/verify/phone/confirm", json=body, headers=headers)
        assert problem_of(answer) == (422, "invalid-code")
    assert (await api.post(f"{AUTH}/verify/phone/confirm", json=body, headers=anna.headers)).status_code == 200
    await api.post(f"{AUTH}/verify/email/send", json={"email": anna.email})
    body = {"email": anna.email, "code": code_to(services, anna.email)}
    answer = await api.post(f"{AUTH}/verify/email/confirm", json=body, headers=other.headers)
    assert problem_of(answer) == (422, "invalid-code")


async def test_an_operator_token_has_no_account_to_change(api: httpx2.AsyncClient, operator: Person) -> None:
    body = {"phone": "+79997654321", "currentPassword": PASSWORD}
    assert problem_of(await api.put(f"{ME}/phone", json=body, headers=operator.headers)) == (403, "forbidden")
    assert problem_of(await api.patch(ME, json={"firstName": "A"}, headers=operator.headers)) == (404, "not-found")
