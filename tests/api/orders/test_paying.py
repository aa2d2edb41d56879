"""Pay an order: by its own method, by one that is given now, and what is refused."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from services.bootstrap import Services
from services.orders.status import CancelReason
from tests.api.orders.steps import Steps, meanwhile, slug
from tests.api.people import Person
from tests.api.shop import ORDERS, confirm, pay, placed, reserve, undo
from tests.fakes.gateway import CONFIRMATION_URL


async def test_pay_by_the_order_s_own_method(
    api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    step = Steps(api, buyer, order_id)

    answer, _ = await meanwhile(app, step("pay", wait=10), lambda: pay(services, order_id))
    confirm(services, order_id)
    again = await step("pay")

    payment = services.payments.of_order(order_id)[0]
    assert (answer.status_code, answer.headers["preference-applied"]) == (200, "wait=10")
    assert answer.json() == {"paymentId": str(payment.id), "status": "succeeded", "confirmationUrl": None}
    assert again.json() == answer.json()


async def test_pay_by_a_method_that_is_given_now(
    api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)
    reserve(services, order_id)
    step = Steps(api, buyer, order_id)

    given = await step("pay", body={"card": "tok_pending"})
    answer, _ = await meanwhile(app, step("pay", wait=10), lambda: pay(services, order_id))

    assert (given.status_code, given.json()["paymentId"]) == (202, None)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    assert answer.json()["confirmationUrl"] == CONFIRMATION_URL


@pytest.mark.parametrize("lost", [False, True], ids=["answered", "lost"])
async def test_a_repeated_pay_has_the_status_of_the_first_also_when_the_order_is_paid_by_then(
    api: httpx2.AsyncClient, buyer: Person, services: Services, lost: bool
) -> None:
    """Without a response of the first request, it has the status of now."""
    order_id = await placed(api, buyer, services)
    reserve(services, order_id)
    headers = {**buyer.headers, "Prefer": "wait=0", "Idempotency-Key": "pay-once"}
    path, body = f"{ORDERS}/{order_id}/pay", {"card": "tok_succeeds"}

    first = await api.post(path, headers=headers, json=body)
    if lost:
        services.database.execute("UPDATE idempotency.keys SET status = 0 WHERE key = 'pay-once'")
    pay(services, order_id)
    confirm(services, order_id)
    again = await api.post(path, headers=headers, json=body)

    assert (first.status_code, first.json()["paymentId"]) == (202, None)
    assert (again.status_code, again.json()["status"]) == (200 if lost else 202, "succeeded")
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_pay_without_any_method(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services)
    reserve(services, order_id)

    assert slug(await Steps(api, buyer, order_id)("pay")) == (422, "validation-error")


async def test_pay_another_way_while_a_payment_is_live(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_pending")
    reserve(services, order_id)
    pay(services, order_id)

    answer = await Steps(api, buyer, order_id)("pay", body={"phone": "+79000000001"})

    assert slug(answer) == (409, "payment-exists")


async def test_pay_that_is_declined(api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services, card="tok_declines")
    reserve(services, order_id)

    def decline() -> None:
        pay(services, order_id)
        undo(services, order_id, CancelReason.PAYMENT_DECLINED)

    answer, _ = await meanwhile(app, Steps(api, buyer, order_id)("pay", wait=10), decline)

    assert (answer.status_code, answer.json()["status"]) == (200, "failed")
    assert slug(await Steps(api, buyer, order_id)("pay")) == (409, "invalid-transition")


async def test_T51_pay_with_a_card_number(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services)

    answer = await Steps(api, buyer, order_id)("pay", body={"card": "4111 1111 1111 1111"})

    assert slug(answer) == (422, "card-number-not-accepted")


async def test_T63_pay_of_a_cancelled_order(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services)
    undo(services, order_id)

    for body in (None, {"card": "tok_succeeds"}):
        assert slug(await Steps(api, buyer, order_id)("pay", body=body)) == (409, "invalid-transition")


@pytest.mark.parametrize("reason", ["payment_expired", "reservation_expired"])
async def test_T65_pay_too_late(api: httpx2.AsyncClient, buyer: Person, services: Services, reason: str) -> None:
    order_id = await placed(api, buyer, services)
    reserve(services, order_id)
    undo(services, order_id, CancelReason(reason))

    answer = await Steps(api, buyer, order_id)("pay", body={"card": "tok_succeeds"})

    assert slug(answer) == (409, "reservation-expired")
    assert services.payments.of_order(order_id) == []
