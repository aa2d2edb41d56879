"""Refunds over HTTP: of confirmed orders, up to the remaining amount, once each; the buyer is notified."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.identity.views import Scope
from services.notifications.views import OrderEvent, OrderNotification
from services.orders.views import PaymentMethod
from services.payments.gateway import GatewayRefused, GatewayUnavailable
from services.payments.status import PaymentMethodType
from services.payments.views import Charge, PaymentView
from services.reconcile.tables import check_tables
from tests.api.payments.reports import waiting_payment
from tests.api.people import Person, a_service
from tests.api.shop import confirm, pay, placed, reserve
from tests.fakes.gateway import FakeGateway

REFUNDS = "/api/v1/refunds"


async def sold(api: httpx2.AsyncClient, buyer: Person, services: Services) -> PaymentView:
    """The payment of a confirmed order."""
    payment = await waiting_payment(api, buyer, services, card="tok_succeeds")
    confirm(services, payment.order_id)
    return payment


async def refund(
    api: httpx2.AsyncClient, caller: Person, payment: PaymentView, amount: object = "1299.00", **changes: Any
) -> httpx2.Response:
    body = {"orderId": str(payment.order_id), "paymentId": str(payment.id), "amount": amount}
    return await api.post(REFUNDS, json=body | changes, headers=caller.headers)


def notified_refunds(services: Services, payment: PaymentView) -> list[str]:
    """Amounts of refunds that the timeline shows."""
    events = services.orders.events(payment.order_id)
    return [event.amount.text for event in events if event.type == "refunded" and event.amount]


def queued(services: Services, payment: PaymentView) -> list[str]:
    """Keys of the messages about refunds of the payment's order."""
    with services.database.transaction() as tx:
        found = "SELECT key FROM notifications.notifications WHERE template = 'order_refunded' AND order_id = %(id)s"
        return [str(key) for key in tx.fetch_column(found, {"id": payment.order_id})]


@contextmanager
def provider_away() -> Iterator[None]:
    with patch.object(FakeGateway, "refund", side_effect=GatewayUnavailable("away")):
        yield


async def test_a_partial_refund_and_then_the_remainder(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)
    answer = await refund(api, operator, payment, "299.00")
    assert answer.status_code == 201
    refund_id = answer.json()["refundId"]
    assert answer.json() == {"refundId": refund_id, "status": "succeeded"}
    shown = await api.get(f"{REFUNDS}/{refund_id}", headers=operator.headers)
    assert shown.json() == {
        "refundId": refund_id,
        "paymentId": str(payment.id),
        "orderId": str(payment.order_id),
        "status": "succeeded",
        "amount": "299.00",
        "currency": "RUB",
    }
    assert services.payments.get(payment.id).status == "partially_refunded"
    assert (await refund(api, operator, payment, 1000, currency="RUB")).status_code == 201
    assert services.payments.get(payment.id).status == "refunded"
    assert notified_refunds(services, payment) == ["299.00", "1000.00"]
    assert services.orders.get(payment.order_id).status == "confirmed"
    broken = [check.id for check in check_tables(services.database) if not check.holds]
    assert broken == []


async def test_the_buyer_is_notified_of_each_refund_once(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)
    for amount in ("100.00", "200.00"):
        await refund(api, operator, payment, amount)
    assert services.payments.unreported_refunds(10) == []
    # A worker of other tests may run on the same database: then it is the one who queues them.
    for event in services.order_outbox.pending_notifications(100):
        notice = OrderNotification(
            event.order_id, OrderEvent(event.type), "en", buyer.email, (), "Anna", event.total, again=event.again
        )
        assert [services.notifications.queue_order_notifications([notice]) for _ in range(2)][1] == 0
    async with asyncio.timeout(10):
        while len(keys := queued(services, payment)) < 2:
            await asyncio.sleep(0.01)
    first = f"notify:{payment.order_id}:refunded"
    assert sorted(key == f"{first}:email" for key in keys) == [False, True]
    assert all(key.startswith(first) for key in keys)


@pytest.mark.parametrize(("amount", "changes"), [("0.00", {}), ("1.001", {"currency": "RUB"}), ("-1.00", {})])
async def test_a_bad_amount_is_refused_before_an_unknown_order(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, amount: str, changes: dict[str, str]
) -> None:
    payment = await sold(api, buyer, services)
    answer = await refund(api, operator, payment, amount, orderId=str(new_id()), **changes)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/amount")


async def test_T92_T93_invalid_refunds(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment, other = await sold(api, buyer, services), await sold(api, buyer, services)
    unpaid = await waiting_payment(api, buyer, services)
    paid = await waiting_payment(api, buyer, services, card="tok_succeeds")
    refused = {
        "more than was taken": await refund(api, operator, payment, "1299.01"),
        "another order's": await refund(api, operator, payment, orderId=str(other.order_id)),
        "unpaid": await refund(api, operator, unpaid),
        "not confirmed": await refund(api, operator, paid),
        "other currency": await refund(api, operator, payment, currency="USD"),
        "nothing": await refund(api, operator, payment, "0.00"),
        "too exact": await refund(api, operator, payment, "1.001"),
        "unknown payment": await refund(api, operator, payment, paymentId=str(new_id())),
        "unknown order": await refund(api, operator, payment, orderId=str(new_id())),
    }
    assert {why: (answer.status_code, answer.json()["type"].split("/")[-1]) for why, answer in refused.items()} == {
        "more than was taken": (422, "refund-exceeds-captured"),
        "another order's": (409, "payment-order-mismatch"),
        "unpaid": (409, "invalid-transition"),
        "not confirmed": (409, "invalid-transition"),
        "other currency": (422, "currency-mismatch"),
        "nothing": (422, "validation-error"),
        "too exact": (422, "validation-error"),
        "unknown payment": (404, "not-found"),
        "unknown order": (404, "not-found"),
    }
    assert services.payments.refunds_of(payment.order_id) == []


@pytest.mark.parametrize("scopes", [(), (Scope.REFUNDS_READ,), (Scope.PAYMENTS_WRITE,)], ids=str)
async def test_who_may_not_refund(
    api: httpx2.AsyncClient, buyer: Person, services: Services, scopes: tuple[Scope, ...]
) -> None:
    payment = await sold(api, buyer, services)
    caller = a_service(services, *scopes) if scopes else buyer
    assert (await refund(api, caller, payment)).status_code == 403
    assert (await api.get(f"{REFUNDS}/{new_id()}", headers=buyer.headers)).status_code == 403


async def test_T94_fifty_full_refunds_at_once(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)
    answers = await asyncio.gather(*[refund(api, operator, payment) for _ in range(50)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 422: 49}
    assert notified_refunds(services, payment) == ["1299.00"]


async def test_one_key_is_one_refund(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)
    keyed = Person(operator.token)
    body = {"orderId": str(payment.order_id), "paymentId": str(payment.id), "amount": "100.00"}
    headers = {**keyed.headers, "Idempotency-Key": "k-1"}
    first, again = [await api.post(REFUNDS, json=body, headers=headers) for _ in range(2)]
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await api.post(REFUNDS, json=body | {"amount": "101.00"}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert notified_refunds(services, payment) == ["100.00"]


async def test_F54_a_refund_is_pending_while_the_provider_is_down(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)
    with provider_away():
        answer = await refund(api, operator, payment, "100.00")
    assert (answer.status_code, answer.json()["status"]) == (201, "pending")
    assert notified_refunds(services, payment) == []
    await refund(api, operator, payment, "200.00")
    order = (await api.get(f"/api/v1/orders/{payment.order_id}", headers=buyer.headers)).json()
    assert [(each["status"], each["amount"]) for each in order["refunds"]] == [
        ("pending", "100.00"),
        ("succeeded", "200.00"),
    ]
    assert (order["refund"], order["refundedAmount"]) == (order["refunds"][-1], "200.00")


async def test_T178_every_payment_and_refund_is_shown(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_declines")
    reserve(services, order_id)
    declined = pay(services, order_id)
    services.order_transitions.forget_method(order_id)
    services.orders.give_method(order_id, None, PaymentMethod(card="tok_succeeds"))
    due = services.order_transitions.start_payment(order_id, 2)
    charge = Charge(order_id, 2, due.total.minor, due.total.currency, PaymentMethodType.CARD, "tok_succeeds")
    paid = services.payments.charge(charge)
    services.order_transitions.paid(order_id, paid.id, paid.amount)
    confirm(services, order_id)

    await refund(api, operator, paid, "100.00")
    with patch.object(FakeGateway, "refund", side_effect=GatewayRefused("invalid_request")):
        await refund(api, operator, paid, "50.00")
    while_failed = (await api.get(f"/api/v1/orders/{order_id}", headers=buyer.headers)).json()
    await refund(api, operator, paid, "200.00")

    order = (await api.get(f"/api/v1/orders/{order_id}", headers=buyer.headers)).json()
    assert [(each["paymentId"], each["status"]) for each in order["payments"]] == [
        (str(declined.id), "failed"),
        (str(paid.id), "partially_refunded"),
    ]
    assert order["payment"] == order["payments"][-1]
    assert [(each["status"], each["amount"]) for each in order["refunds"]] == [
        ("succeeded", "100.00"),
        ("failed", "50.00"),
        ("succeeded", "200.00"),
    ]
    assert (order["refund"], order["refundedAmount"]) == (order["refunds"][-1], "300.00")
    assert (while_failed["refund"]["status"], while_failed["refundedAmount"]) == ("failed", "100.00")
    assert notified_refunds(services, paid) == ["100.00", "200.00"]
