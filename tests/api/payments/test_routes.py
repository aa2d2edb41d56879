"""Payments over HTTP: the workflow starts the payment, and there is never a second one."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.identity.views import Scope
from services.orders.status import CancelReason
from tests.api.payments.reports import PAYMENTS, commands, failure_of, kept, waiting_payment
from tests.api.people import Person, a_service
from tests.api.shop import ORDERS, RUN, confirm, pay, placed, reserve

PAN = "4111 1111 1111 1111"


def a_body(order_id: object, **changes: Any) -> dict[str, Any]:
    body = {"orderId": str(order_id), "amount": "1299.00", "currency": "RUB", "method": "card", "cardToken": "tok_new"}
    return {name: value for name, value in (body | changes).items() if value is not None}


async def make(
    api: httpx2.AsyncClient, caller: Person, order_id: object, *, wait: int = 0, key: str | None = None, **changes: Any
) -> httpx2.Response:
    headers = {**caller.headers, "Prefer": f"wait={wait}"} | ({"Idempotency-Key": key} if key else {})
    return await api.post(PAYMENTS, json=a_body(order_id, **changes), headers=headers)


async def reserved(api: httpx2.AsyncClient, buyer: Person, services: Services, **more: Any) -> UUID:
    order_id = await placed(api, buyer, services, **more)
    reserve(services, order_id)
    return order_id


async def until_method(services: Services, order_id: UUID) -> None:
    """Wait for the way to pay, as the order's process does."""
    async with asyncio.timeout(5):
        while services.orders.get(order_id).method is None:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("amount", ["1299.00", 1299, 1299.0])
async def test_a_payment_is_started_by_the_workflow(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, amount: object
) -> None:
    order_id = await reserved(api, buyer, services)
    asked = asyncio.create_task(make(api, operator, order_id, wait=5, amount=amount))
    await until_method(services, order_id)
    payment = await asyncio.to_thread(pay, services, order_id)
    answer = await asked

    assert (answer.status_code, answer.json()) == (201, {"paymentId": str(payment.id), "status": "succeeded"})
    shown = await api.get(f"{PAYMENTS}/{payment.id}", headers=operator.headers)
    assert shown.json() == {
        "paymentId": str(payment.id),
        "orderId": str(order_id),
        "status": "succeeded",
        "amount": "1299.00",
        "currency": "RUB",
        "method": "card",
    }


async def test_T92_a_payment_never_shows_what_paid(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services)
    path = f"{PAYMENTS}/{payment.id}"
    answers = [
        await api.get(path, headers=buyer.headers),
        await api.get(f"{PAYMENTS}/{new_id()}", headers=operator.headers),
    ]
    assert [answer.status_code for answer in answers] == [403, 404]
    assert (await api.get(path)).status_code == 401
    assert "tok_" not in (await api.get(path, headers=operator.headers)).text


async def test_the_payment_has_not_started_yet(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await reserved(api, buyer, services)
    service = a_service(services, Scope.PAYMENTS_WRITE)
    answer = await make(api, service, order_id, method="phone", cardToken=None, phone="8 999 123-45-67")
    assert (answer.status_code, answer.json()) == (202, {"paymentId": None, "status": "pending"})
    assert answer.headers["Preference-Applied"] == "wait=0"
    assert pay(services, order_id).method == "phone"


async def test_T87_who_may_not_pay(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await reserved(api, buyer, services)
    reader = a_service(services, Scope.PAYMENTS_READ)
    answers = [await make(api, caller, order_id) for caller in (buyer, reader)]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert (await api.post(PAYMENTS, json=a_body(order_id))).status_code == 401


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"amount": "1298.99"}, "amount-mismatch"),
        ({"currency": "USD"}, "currency-mismatch"),
        ({"amount": "0.00"}, "validation-error"),
        ({"amount": "-1299.00"}, "validation-error"),
        ({"amount": "10000000000.01"}, "validation-error"),
        ({"amount": "1299.001"}, "validation-error"),
        ({"amount": "1e3"}, "validation-error"),
        ({"amount": True}, "validation-error"),
        ({"cardToken": PAN}, "card-number-not-accepted"),
        ({"cardToken": None}, "validation-error"),
        ({"method": "phone"}, "validation-error"),
        ({"method": "phone", "cardToken": None}, "validation-error"),
        ({"method": "phone", "cardToken": None, "phone": "112"}, "validation-error"),
        ({"phone": "+79991234567"}, "validation-error"),
        ({"method": "cash"}, "validation-error"),
        ({"returnUrl": "http://169.254.169.254/"}, "validation-error"),
    ],
    ids=str,
)
async def test_T51_T88_T90_T91_invalid_payments(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, changes: dict[str, Any], problem: str
) -> None:
    order_id = await reserved(api, buyer, services)
    answer = await make(api, operator, order_id, **changes)
    assert (answer.status_code, answer.json()["type"]) == (422, f"/problems/{problem}")
    assert "4111" not in answer.text
    assert services.orders.get(order_id).method is None


async def test_an_amount_with_a_huge_exponent(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await reserved(api, buyer, services)
    for number in ("1e999999", "1e-999999", "9" * 99, "NaN"):
        body = json.dumps(a_body(order_id)).replace('"1299.00"', number)
        headers = {**operator.headers, "Content-Type": "application/json"}
        assert (await api.post(PAYMENTS, content=body, headers=headers)).status_code in (400, 422)


async def test_an_unknown_order(api: httpx2.AsyncClient, operator: Person, services: Services) -> None:
    assert (await make(api, operator, new_id())).status_code == 404


@pytest.mark.parametrize("state", ["placed with a card", "pending", "paid", "confirmed"])
async def test_T89_a_second_payment(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, state: str
) -> None:
    order_id = await reserved(api, buyer, services, card="tok_pending" if state == "pending" else "tok_succeeds")
    if state != "placed with a card":
        pay(services, order_id)
    if state == "confirmed":
        confirm(services, order_id)
    answer = await make(api, operator, order_id)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/payment-exists")


async def test_T89_T64_fifty_at_once_are_one(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await reserved(api, buyer, services)
    answers = await asyncio.gather(*[make(api, operator, order_id) for _ in range(50)])
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 49
    payment = pay(services, order_id)
    assert [each.id for each in services.payments.of_order(order_id)] == [payment.id]


@pytest.mark.parametrize(
    ("reason", "problem"),
    [(CancelReason.BUYER_REQUEST, "invalid-transition"), (CancelReason.PAYMENT_EXPIRED, "reservation-expired")],
)
async def test_T63_T65_an_order_that_takes_no_payment(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, reason: CancelReason, problem: str
) -> None:
    order_id = await reserved(api, buyer, services)
    services.order_transitions.begin_cancel(order_id, RUN, reason)
    answer = await make(api, operator, order_id)
    assert (answer.status_code, answer.json()["type"]) == (409, f"/problems/{problem}")
    assert services.payments.of_order(order_id) == []


async def test_one_key_is_one_payment(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await reserved(api, buyer, services)
    assert (await make(api, operator, order_id, key="k-1")).status_code == 202
    payment = pay(services, order_id)
    again = await make(api, operator, order_id, key="k-1")
    assert (again.status_code, again.json()["paymentId"]) == (201, str(payment.id))
    assert again.headers["Idempotency-Replayed"] == "true"
    other = await make(api, operator, order_id, key="k-1", cardToken="tok_other")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


async def test_another_card_after_a_declined_one(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await reserved(api, buyer, services, card="tok_declines")
    declined = pay(services, order_id)
    services.order_transitions.forget_method(order_id)
    answer = await make(api, operator, order_id)
    assert (declined.status, answer.status_code, answer.json()["paymentId"]) == ("failed", 202, None)


async def test_a_buyer_pays_again_by_another_card(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await reserved(api, buyer, services, card="tok_declines")
    assert pay(services, order_id).status == "failed"
    services.order_transitions.forget_method(order_id)
    headers = {**buyer.headers, "Prefer": "wait=0"}
    answer = await api.post(f"{ORDERS}/{order_id}/pay", json={"card": "tok_succeeds"}, headers=headers)
    assert (answer.status_code, answer.json()["paymentId"], answer.json()["status"]) == (202, None, "pending")


def status_body(payment_id: object, status: str = "succeeded", **more: Any) -> dict[str, Any]:
    return {"paymentId": str(payment_id), "status": status, **more}


async def tell(api: httpx2.AsyncClient, caller: Person, order_id: object, body: dict[str, Any]) -> httpx2.Response:
    return await api.post(f"{ORDERS}/{order_id}/payment-status", json=body, headers=caller.headers)


async def test_a_status_report_is_verified_with_the_provider(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services)
    teller = a_service(services, Scope.PAYMENTS_NOTIFY)
    answer = await tell(api, teller, payment.order_id, status_body(payment.id))
    assert (answer.status_code, answer.json()) == (
        200,
        {"orderId": str(payment.order_id), "paymentId": str(payment.id), "status": "pending"},
    )
    assert commands(services, payment.order_id) == [("payment_updated", str(payment.id))]
    assert services.orders.get(payment.order_id).status == "payment_pending"


async def test_T69_who_may_not_report(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    payment = await waiting_payment(api, buyer, services)
    for caller in (buyer, a_service(services, Scope.PAYMENTS_WRITE)):
        assert (await tell(api, caller, payment.order_id, status_body(payment.id))).status_code == 403
    assert (await tell(api, Person("x"), payment.order_id, status_body(payment.id))).status_code == 401
    assert (kept(services), commands(services, payment.order_id)) == (0, [])


async def test_T70_a_payment_of_another_order(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    one = await waiting_payment(api, buyer, services)
    other = await waiting_payment(api, buyer, services)
    teller = a_service(services, Scope.PAYMENTS_NOTIFY)
    answer = await tell(api, teller, other.order_id, status_body(one.id))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/payment-order-mismatch")
    unknown = [
        await tell(api, teller, *pair)
        for pair in ((new_id(), status_body(one.id)), (one.order_id, status_body(new_id())))
    ]
    assert [answer.status_code for answer in unknown] == [404, 404]
    assert (kept(services), commands(services, one.order_id), commands(services, other.order_id)) == (0, [], [])


async def test_T71_outdated_late_and_unknown_reports(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    teller = a_service(services, Scope.PAYMENTS_NOTIFY)
    paid = await waiting_payment(api, buyer, services, card="tok_succeeds")
    stale = await tell(api, teller, paid.order_id, status_body(paid.id, "failed", failureCode="late"))
    assert (stale.status_code, stale.json()["status"], commands(services, paid.order_id)) == (200, "succeeded", [])
    assert failure_of(services, paid.id) == (None, None)

    failed = await waiting_payment(api, buyer, services, card="tok_declines")
    late = await tell(api, teller, failed.order_id, status_body(failed.id))
    assert (late.status_code, late.json()["status"]) == (200, "failed")
    assert commands(services, failed.order_id) == [("late_payment", str(failed.id))]
    assert (await tell(api, teller, failed.order_id, status_body(failed.id, "failed"))).status_code == 200
    assert len(commands(services, failed.order_id)) == 1

    assert (await tell(api, teller, paid.order_id, status_body(paid.id, "paid"))).status_code == 422
