"""Webhooks about refunds: those made on the provider's page are recorded and shown, ours are not recorded twice."""

from __future__ import annotations

import asyncio
import json
from unittest.mock import patch

import httpx2
import pytest

from services.bootstrap import Services
from services.money import Money
from services.payments.gateway import GatewayUnavailable, Outcome, ProviderRefund
from services.payments.views import PaymentView
from services.reconcile.tables import check_tables
from tests.api.payments.reports import commands, waiting_payment
from tests.api.people import Person
from tests.api.shop import confirm
from tests.fakes.gateway import FakeGateway

PATH = "/api/v1/payments/webhooks/fake"


@pytest.fixture
def provider(services: Services) -> FakeGateway:
    gateway = services.payments._gateway
    assert isinstance(gateway, FakeGateway)
    return gateway


async def sold(api: httpx2.AsyncClient, buyer: Person, services: Services) -> PaymentView:
    """The payment of a confirmed order."""
    payment = await waiting_payment(api, buyer, services, card="tok_succeeds")
    confirm(services, payment.order_id)
    return payment


async def announce(api: httpx2.AsyncClient, payment: PaymentView, refund: ProviderRefund) -> int:
    """The status with which the webhook about a refund is answered."""
    message = {"id": f"w-{refund.provider_id}", "payment": payment.provider_id, "refund": refund.provider_id}
    return (await api.post(PATH, content=json.dumps(message).encode())).status_code


def timeline(services: Services, payment: PaymentView) -> list[str]:
    """Amounts of the refunds in the order's timeline."""
    events = services.orders.events(payment.order_id)
    return [event.amount.text for event in events if event.type == "refunded" and event.amount]


async def test_a_refund_made_on_the_providers_page_is_shown_to_the_buyer(
    api: httpx2.AsyncClient, buyer: Person, services: Services, provider: FakeGateway
) -> None:
    payment = await sold(api, buyer, services)
    refund = provider.refund_by_hand(payment.id, 30_000)
    assert [await announce(api, payment, refund) for _ in range(2)] == [200, 200]

    shown = (await api.get(f"/api/v1/orders/{payment.order_id}", headers=buyer.headers)).json()
    assert (shown["status"], shown["refundedAmount"]) == ("confirmed", "300.00")
    assert [(each["status"], each["amount"]) for each in shown["refunds"]] == [("succeeded", "300.00")]
    assert shown["refunds"] == [shown["refund"]]
    assert timeline(services, payment) == ["300.00"]
    assert [event.type for event in services.order_outbox.pending_notifications(10)][-1] == "refunded"
    assert services.payments.get(payment.id).status == "partially_refunded"
    assert commands(services, payment.order_id) == []
    assert [check.id for check in check_tables(services.database) if not check.holds] == []


async def test_it_counts_against_what_an_operator_may_refund(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, provider: FakeGateway
) -> None:
    payment = await sold(api, buyer, services)
    await announce(api, payment, provider.refund_by_hand(payment.id, 30_000))
    body = {"orderId": str(payment.order_id), "paymentId": str(payment.id), "amount": "1000.00"}
    answer = await api.post("/api/v1/refunds", json=body, headers=operator.headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/refund-exceeds-captured")


async def test_a_webhook_about_our_own_refund_records_nothing_and_asks_nobody(
    api: httpx2.AsyncClient, buyer: Person, services: Services, provider: FakeGateway
) -> None:
    payment = await sold(api, buyer, services)
    services.payments.refund(payment.order_id, payment.id, Money(10_000, "RUB"))
    (ours,) = provider.list_refunds_of(str(payment.provider_id), within=1)
    with patch.object(FakeGateway, "list_refunds_of", side_effect=AssertionError("nothing is unknown")):
        assert await announce(api, payment, ours) == 200
    assert len(services.payments.refunds_of(payment.order_id)) == 1


async def test_webhooks_and_the_periodic_look_at_once(
    api: httpx2.AsyncClient, buyer: Person, services: Services, provider: FakeGateway
) -> None:
    payment = await sold(api, buyer, services)
    refunds = [provider.refund_by_hand(payment.id, minor) for minor in (10_000, 20_000)]
    await asyncio.gather(
        *[announce(api, payment, refund) for refund in refunds * 8],
        *[asyncio.to_thread(services.payments.record_provider_refunds, payment.id) for _ in range(8)],
    )
    assert sorted(refund.amount.text for refund in services.payments.refunds_of(payment.order_id)) == [
        "100.00",
        "200.00",
    ]
    assert sorted(timeline(services, payment)) == ["100.00", "200.00"]


async def test_the_provider_sends_it_again_while_it_does_not_answer(
    api: httpx2.AsyncClient, buyer: Person, services: Services, provider: FakeGateway
) -> None:
    payment = await sold(api, buyer, services)
    refund = provider.refund_by_hand(payment.id, 30_000)
    with patch.object(FakeGateway, "list_refunds_of", side_effect=GatewayUnavailable("away")):
        assert await announce(api, payment, refund) == 503
    assert await announce(api, payment, refund) == 200
    assert timeline(services, payment) == ["300.00"]


async def test_the_workflow_of_a_cancelled_order_looks_at_once(
    api: httpx2.AsyncClient, buyer: Person, services: Services, provider: FakeGateway
) -> None:
    payment = await waiting_payment(api, buyer, services, card="tok_succeeds")
    services.orders.request_cancel(payment.order_id, None)
    assert await announce(api, payment, provider.refund_by_hand(payment.id, 129_900)) == 200
    assert commands(services, payment.order_id) == [("payment_updated", str(payment.id))]


async def test_a_refund_of_a_payment_that_is_not_captured_in_our_books(
    api: httpx2.AsyncClient, buyer: Person, services: Services, provider: FakeGateway
) -> None:
    """The webhook about the payment was lost: its workflow looks it up."""
    payment = await waiting_payment(api, buyer, services)
    provider.decide(payment.id, Outcome.SUCCEEDED)
    assert await announce(api, payment, provider.refund_by_hand(payment.id, 30_000)) == 200
    assert commands(services, payment.order_id) == [("payment_updated", str(payment.id))]
    services.payments.refresh(payment.id)
    assert services.payments.get(payment.id).refunded_minor == 30_000
