"""Who did it: the caller on each log line, a line for each action of an operator and for each failed sign-in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from services.bootstrap import Services
from services.clock import new_id
from tests.api.people import PASSWORD, Person, an_operators_account
from tests.api.shop import ORDERS, placed

LOGIN = "/api/v1/auth/login/email"


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs(processors=[merge_contextvars]) as captured:
        yield captured


def found(logs: list[Any], event: str, *fields: str) -> list[tuple[Any, ...]]:
    """These fields of each line of an event."""
    return [tuple(entry.get(field) for field in fields) for entry in logs if entry["event"] == event]


async def test_an_operators_cancellation_is_logged_with_who_did_it(
    api: httpx2.AsyncClient, services: Services, buyer: Person, operator: Person, logs: list[Any]
) -> None:
    order_id = str(await placed(api, buyer, services))
    headers = operator.headers | {"X-Request-Id": "support-17"}
    answer = await api.post(f"{ORDERS}/{order_id}/cancel", json={"reason": "my own words"}, headers=headers)
    assert answer.status_code == 202
    fields = ("caller", "order_id", "trace_id")
    assert found(logs, "order.cancelling", *fields) == [("operator:anna", order_id, "support-17")]
    assert found(logs, "operator.action", *fields, "operation", "status") == [
        ("operator:anna", order_id, "support-17", "POST /orders/{orderId}/cancel", 202)
    ]
    assert found(logs, "order.placed", "caller", "order_id") == [(f"buyer:{buyer.id}", order_id)]
    assert "my own words" not in repr(logs)


async def test_T167_a_change_by_an_operators_account_is_logged_with_its_id(
    api: httpx2.AsyncClient, services: Services, buyer: Person, logs: list[Any]
) -> None:
    anna = an_operators_account(services)
    order_id = str(await placed(api, buyer, services))
    assert (await api.post(f"{ORDERS}/{order_id}/cancel", headers=anna.headers)).status_code == 202
    assert found(logs, "operator.action", "caller", "order_id") == [(f"operator:{anna.id}", order_id)]


async def test_what_an_operator_reads_or_is_refused_is_no_action(
    api: httpx2.AsyncClient, services: Services, operator: Person, logs: list[Any]
) -> None:
    assert (await api.get(ORDERS, headers=operator.headers)).status_code == 200
    refused = await api.post(f"{ORDERS}/{new_id()}/cancel", headers=operator.headers)
    assert refused.status_code == 404
    assert found(logs, "operator.action") == []
    assert found(logs, "api.refused", "code", "caller") == [("not-found", "operator:anna")]


async def test_a_buyers_cancellation_is_no_action_of_an_operator(
    api: httpx2.AsyncClient, services: Services, buyer: Person, logs: list[Any]
) -> None:
    order_id = str(await placed(api, buyer, services))
    await api.post(f"{ORDERS}/{order_id}/cancel", headers=buyer.headers)
    assert found(logs, "order.cancelling", "caller") == [(f"buyer:{buyer.id}",)]
    assert found(logs, "operator.action") == []


async def test_a_failed_sign_in_is_logged_with_a_hash_of_the_identifier_and_the_network(
    api: httpx2.AsyncClient, buyer: Person, logs: list[Any]
) -> None:
    for email in (buyer.email, buyer.email.upper(), "nobody@example.com"):
        answer = await api.post(LOGIN, json={"email": email, "password": "wrong-Password-1"})
        assert answer.status_code == 401
    assert (await api.post(LOGIN, json={"email": buyer.email, "password": PASSWORD})).status_code == 200
    lines = found(logs, "identity.sign_in_failed", "identifier", "network", "reason")
    assert {line[1:] for line in lines} == {("127.0.0.0/24", "invalid-credentials")}
    first, second, stranger = (str(identifier) for identifier, *_ in lines)
    assert first == second != stranger
    assert len(bytes.fromhex(first)) == 8
    assert buyer.email.lower() not in repr(logs).lower()


async def test_sign_in_sign_out_and_refused_tokens_are_logged_without_a_value(
    api: httpx2.AsyncClient, buyer: Person, logs: list[Any]
) -> None:
    tokens = (await api.post(LOGIN, json={"email": buyer.email, "password": PASSWORD})).json()
    for _ in range(2):
        await api.post("/api/v1/auth/logout", json={"refreshToken": tokens["refreshToken"]})
    headers = {"Authorization": f"Bearer {tokens['accessToken']}"}
    assert (await api.get("/api/v1/users/me", headers=headers)).status_code == 401
    ((user_id, session_id),) = found(logs, "identity.signed_in", "user_id", "session_id")
    assert user_id == str(buyer.id)
    assert found(logs, "identity.signed_out", "session_id") == [(session_id,)]
    assert found(logs, "api.refused", "code", "operation", "network") == [("unauthenticated", "GET /users/me", None)]
    assert [value for value in (*tokens.values(), buyer.email) if str(value) in repr(logs)] == []


async def test_a_caller_over_a_limit_is_logged(api: httpx2.AsyncClient, buyer: Person, logs: list[Any]) -> None:
    body = {"email": buyer.email, "password": "wrong-Password-1"}
    while (await api.post(LOGIN, json=body)).status_code != 429:
        pass
    assert found(logs, "api.refused", "code", "operation") == [("rate-limited", "POST /auth/login/email")]


async def test_lines_of_one_request_know_nothing_of_the_request_before(
    api: httpx2.AsyncClient, buyer: Person, logs: list[Any]
) -> None:
    await api.post(LOGIN, json={"email": buyer.email, "password": PASSWORD})
    await api.post(f"{ORDERS}/{new_id()}/cancel", headers=buyer.headers)
    await api.get(f"/api/v1/products/{new_id()}")
    refused = found(logs, "api.refused", "operation", "network", "caller")
    assert refused[-1] == ("GET /products/{productId}", None, None)
