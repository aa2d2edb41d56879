"""Many password operations at once: some wait, more are refused, and no other request is delayed."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import anyio.to_thread
import httpx2
import pytest

from api.app import create_app
from api.identity.password_queue import MAX_REQUESTS
from services.bootstrap import Services
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import ThrottleSubjects
from services.identity.password_check import PasswordCheck
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.refresh_tokens import RefreshTokens
from services.identity.second_factor import SecondFactor
from services.identity.sign_in import SignIn
from services.secrets import Vault
from tests.api.people import PASSWORD, Person

API = "/api/v1"
NAMES = {"firstName": "Анна", "lastName": "Иванова"}


class Held(PasswordHasher):
    """Compares nothing until the test allows it."""

    def __init__(self) -> None:
        super().__init__(Argon2Profile(1, 8, 1))
        self.go = threading.Event()

    def verify(self, hash_text: str | None, password: str) -> bool:
        assert self.go.wait(30)
        return super().verify(hash_text, password)


@pytest.fixture
def held() -> Iterator[Held]:
    with Held() as hasher:
        yield hasher
        hasher.go.set()


@pytest.fixture
async def crowded(services: Services, held: Held) -> AsyncIterator[httpx2.AsyncClient]:
    messages = AccountMessages(services.database, Vault("a key"), services.limits)
    subjects = ThrottleSubjects("a key")
    check = PasswordCheck(services.database, held, subjects)
    factor = SecondFactor(services.database, Vault("a key"), subjects, messages)
    sign_in = SignIn(services.database, check, services.tokens, RefreshTokens("a key"), messages, factor, "RU")
    transport = httpx2.ASGITransport(create_app(replace(services, sign_in=sign_in)))
    async with httpx2.AsyncClient(transport=transport, base_url="http://market") as client:
        yield client


@pytest.fixture
async def few_threads() -> AsyncIterator[None]:
    """Too few threads for everything else, should logins sit in them."""
    limiter = anyio.to_thread.current_default_thread_limiter()
    before, limiter.total_tokens = limiter.total_tokens, 4
    yield
    limiter.total_tokens = before


async def test_T16_two_hundred_logins_delay_no_other_request(
    crowded: httpx2.AsyncClient, held: Held, buyer: Person, few_threads: None
) -> None:
    async def login(number: int) -> httpx2.Response:
        body = {"email": f"nobody{number}@example.com", "password": PASSWORD}
        return await crowded.post(f"{API}/auth/login/email", json=body)

    tasks = [asyncio.create_task(login(number)) for number in range(200)]
    async with asyncio.timeout(20):
        while sum(task.done() for task in tasks) < 200 - MAX_REQUESTS:
            await asyncio.sleep(0.01)
    # The rest is still waiting for the hasher.
    turned_away = [task.result() for task in tasks if task.done()]
    assert {answer.status_code for answer in turned_away} == {503}
    # After 2 s by the queue of passwords; after 1 s when the machine is so slow that the pool of the database is full.
    assert "2" in {answer.headers["retry-after"] for answer in turned_away} <= {"1", "2"}
    async with asyncio.timeout(5):
        for path in ("/users/me", "/products", "/users/me/sessions"):
            assert (await crowded.get(f"{API}{path}", headers=buyer.headers)).status_code == 200
    registering = await crowded.post(f"{API}/auth/register/email", json={})
    assert registering.status_code == 422
    held.go.set()
    assert Counter([(await task).status_code for task in tasks]) == {503: 200 - MAX_REQUESTS, 401: MAX_REQUESTS}
    assert (await login(200)).status_code == 401


async def test_T08_sixty_four_registrations_at_once_make_one_account(
    api: httpx2.AsyncClient, services: Services
) -> None:
    async def register(number: int) -> httpx2.Response:
        body = {**NAMES, "email": f"ANNA@{'Example' if number % 2 else 'EXAMPLE'}.com", "password": PASSWORD}
        return await api.post(f"{API}/auth/register/email", json=body)

    answers = await asyncio.gather(*(register(number) for number in range(64)))

    found = Counter(answer.status_code for answer in answers)
    assert found.pop(201) == 1
    assert found.keys() <= {409, 503}
    assert found[409] > 0
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
