"""Password resets over HTTP; the rules themselves are tested with the service."""

from __future__ import annotations

import httpx2
import pytest

from services.bootstrap import Services
from tests.api.identity.answers import problem_of
from tests.api.people import Person, a_buyer

ME = "/api/v1/users/me"
AUTH = "/api/v1/auth"
NEW = "quite another set of words"


@pytest.fixture
def anna(services: Services) -> Person:
    return a_buyer(services)


async def test_T36_T38_T40_a_reset(api: httpx2.AsyncClient, services: Services, anna: Person) -> None:
    for email in (anna.email, "nobody@example.com"):
        answer = await api.post(f"{AUTH}/password/reset/request", json={"email": email}, headers={"Host": "evil.test"})
        assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    (message,) = [one for one in services.account_messages.pending(10) if one.to]
    assert "evil" not in str(message)
    body = {"resetToken": message.variables["resetToken"], "newPassword": NEW}
    assert (await api.post(f"{AUTH}/password/reset/confirm", json=body)).status_code == 204
    assert problem_of(await api.post(f"{AUTH}/password/reset/confirm", json=body)) == (422, "invalid-token")
    assert (await api.get(ME, headers=anna.headers)).status_code == 401
    answer = await api.post(f"{AUTH}/login/email", json={"email": anna.email, "password": NEW})
    assert answer.status_code == 200


@pytest.mark.parametrize("body", [{}, {"email": "a@example.com", "phone": "+79991234567"}, {"email": None}])
async def test_T36_neither_or_both(api: httpx2.AsyncClient, body: dict[str, str]) -> None:
    assert problem_of(await api.post(f"{AUTH}/password/reset/request", json=body)) == (422, "validation-error")
