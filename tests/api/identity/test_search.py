"""Operators find an account by its e-mail address or phone number, and nobody else does."""

from __future__ import annotations

import httpx2
import pytest

from services.bootstrap import Services
from services.identity.views import RegisterUser
from tests.api.identity.answers import problem_of
from tests.api.people import PASSWORD, Person

USERS = "/api/v1/users"


async def test_an_account_is_found_by_its_address_however_it_is_written(
    api: httpx2.AsyncClient, buyer: Person, operator: Person
) -> None:
    for typed in (buyer.email, buyer.email.upper(), f" {buyer.email}"):
        answer = await api.get(USERS, params={"email": typed}, headers=operator.headers)
        found = answer.json()
        assert (answer.status_code, found["id"], found["email"]) == (200, str(buyer.id), buyer.email)
        assert (found["isActive"], found["emailVerified"], found["createdAt"][-1]) == (True, False, "Z")


async def test_an_account_is_found_by_its_number_also_when_it_is_disabled(
    api: httpx2.AsyncClient, operator: Person, services: Services
) -> None:
    profile = services.identity.register(RegisterUser("Anna", "Ivanova", None, "+79991234567", PASSWORD))
    services.identity.set_active(profile.id, False)
    for typed in ("+79991234567", "8 (999) 123-45-67"):
        found = (await api.get(USERS, params={"phone": typed}, headers=operator.headers)).json()
        assert (found["id"], found["isActive"], found["firstName"]) == (str(profile.id), False, "Anna")


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"email": "nobody@example.com"}, 404),
        ({"phone": "+79990000000"}, 404),
        ({"email": "nobody"}, 422),
        ({"phone": "112"}, 422),
        ({}, 422),
        ({"email": "nobody@example.com", "phone": "+79990000000"}, 422),
        ({"emial": "nobody@example.com"}, 422),
    ],
    ids=["no account", "no account by phone", "no address", "no number", "neither", "both", "unknown member"],
)
async def test_what_finds_nothing(
    api: httpx2.AsyncClient, operator: Person, query: dict[str, str], status: int
) -> None:
    answer = await api.get(USERS, params=query, headers=operator.headers)
    assert answer.status_code == status
    assert all(each["pointer"].startswith("/query") for each in answer.json().get("errors", ()))
    assert "example.com" not in answer.text


async def test_a_part_of_an_address_finds_nothing(api: httpx2.AsyncClient, buyer: Person, operator: Person) -> None:
    answer = await api.get(USERS, params={"email": buyer.email[1:]}, headers=operator.headers)
    assert problem_of(answer) == (404, "not-found")


async def test_buyers_search_no_accounts(api: httpx2.AsyncClient, buyer: Person) -> None:
    answer = await api.get(USERS, params={"email": buyer.email}, headers=buyer.headers)
    assert problem_of(answer) == (403, "forbidden")
