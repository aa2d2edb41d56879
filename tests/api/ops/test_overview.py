"""The state of the shop for operators."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.reconcile.findings import Check
from services.reconcile.reconciler import Report
from tests.api.people import Person
from tests.api.shop import pay, placed, reserve
from tests.services.webhooks.builders import an_event

OVERVIEW = "/api/v1/operations/overview"


async def overview(api: httpx2.AsyncClient, operator: Person) -> dict[str, Any]:
    answer = await api.get(OVERVIEW, headers=operator.headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_orders_are_counted_by_what_they_wait_for(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    empty = await overview(api, operator)
    assert empty["orders"] == {"needsAttention": 0, "awaitingPayment": 0, "slowCancellations": 0}
    reserved, slow, recent, stuck = [await placed(api, buyer, services) for _ in range(4)]
    reserve(services, reserved)
    for order_id in (slow, recent):
        services.orders.request_cancel(order_id, None)
    services.order_transitions.raise_attention(stuck, "no_progress")
    aged = "UPDATE orders.events SET at = at - interval '61 seconds' WHERE order_id = %(id)s AND type = 'cancelling'"
    services.database.execute(aged, {"id": slow})

    shown = await overview(api, operator)
    assert shown["orders"] == {"needsAttention": 1, "awaitingPayment": 1, "slowCancellations": 1}


async def test_queues_and_messages_that_wait(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    before = (await overview(api, operator))["messagesWaiting"]
    await placed(api, buyer, services)
    aged = "UPDATE orders.outbox SET created_at = now() - interval '90 seconds'"
    services.database.execute(aged)

    shown = await overview(api, operator)
    queues = {each["name"]: each for each in shown["queues"]}
    assert queues.keys() == {"account-messages", "commands", "email", "events", "sms"}
    assert queues["commands"]["waiting"] == 1
    assert queues["commands"]["oldestSeconds"] == pytest.approx(90, abs=5)
    assert shown["messagesWaiting"] == before + 1


async def test_what_other_systems_have_not_answered(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    unknown, _ = [await placed(api, buyer, services, card=card) for card in ("tok_timeout", "tok_succeeds")]
    reserve(services, unknown)
    pay(services, unknown)
    services.database.execute("UPDATE payments.payments SET status = 'unknown'")
    body = {"channel": "email", "to": "anna@example.com", "template": "password_changed", "variables": {}}
    sent = await api.post("/api/v1/notifications/send", json=body, headers=operator.headers)
    assert sent.status_code == 202, sent.text
    services.database.execute("UPDATE notifications.notifications SET error_message = 'connection refused'")

    shown = {each["name"]: each["unanswered"] for each in (await overview(api, operator))["externalSystems"]}
    assert shown == {"provider_payments": 1, "provider_refunds": 0, "email": 1, "sms": 0}


async def test_outgoing_webhooks(api: httpx2.AsyncClient, operator: Person, services: Services) -> None:
    quiet = {"disabledEndpoints": 0, "failingEndpoints": 0, "waiting": 0, "overdueSeconds": 0}
    assert (await overview(api, operator))["webhooks"] == quiet
    first, *others = [services.webhook_endpoints.add("http://127.0.0.1:9999/hooks").endpoint.id for _ in range(5)]
    with services.database.transaction() as tx:
        services.webhooks.queue([an_event(new_id())], tx)
    execute = services.database.execute
    for endpoint_id, reason in zip(others, ("gone", "failing", "operator", None), strict=True):
        values = {"id": endpoint_id, "reason": reason}
        execute("UPDATE webhooks.endpoints SET disabled_reason = %(reason)s WHERE id = %(id)s", values)
        execute("UPDATE webhooks.endpoints SET failing_since = now() WHERE id = %(id)s", values)
    execute("UPDATE webhooks.deliveries SET due_at = now() + interval '1 hour'")
    assert (await overview(api, operator))["webhooks"] == {
        "disabledEndpoints": 2,
        "failingEndpoints": 1,
        "waiting": 5,
        "overdueSeconds": 0,
    }
    late = "UPDATE webhooks.deliveries SET due_at = now() - interval '300 seconds' WHERE endpoint_id = %(id)s"
    execute(late, {"id": first})
    assert (await overview(api, operator))["webhooks"]["overdueSeconds"] == pytest.approx(300, abs=5)
    # The receiver has asked to wait: what is due then is not late.
    execute("UPDATE webhooks.endpoints SET paused_until = now() + interval '60 seconds'")
    assert (await overview(api, operator))["webhooks"]["overdueSeconds"] == 0


async def test_the_last_reconciliation(api: httpx2.AsyncClient, operator: Person, services: Services) -> None:
    assert (await overview(api, operator))["invariants"] == []
    services.invariant_results.store(Report([Check("I7", "workflows", 9, [], 3), Check("I1", "stock", 5)]))

    shown = (await overview(api, operator))["invariants"]
    assert [(each["invariant"], each["violations"]) for each in shown] == [("I1", 0), ("I7", 3)]


async def test_without_temporal_no_worker_is_known(api: httpx2.AsyncClient, operator: Person) -> None:
    assert (await overview(api, operator))["workers"] is None


async def test_it_is_for_operators(api: httpx2.AsyncClient, buyer: Person) -> None:
    assert (await api.get(OVERVIEW, headers=buyer.headers)).status_code == 403
    assert (await api.get(OVERVIEW)).status_code == 401
