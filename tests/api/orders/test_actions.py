"""Reserve, confirm, cancel: waiting for the steps of the workflow."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api.orders.snapshot import SnapshotReader
from api.state import state_of
from services.bootstrap import Services
from services.orders.status import CancelReason
from services.orders.views import OrderFilter
from tests.api.orders.steps import Steps, meanwhile, slug
from tests.api.people import Person
from tests.api.shop import a_product, confirm, order, pay, placed, reserve, undo


async def test_reserve_in_progress_and_done(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services)
    step = Steps(api, buyer, order_id)

    running = await step("reserve")
    reserve(services, order_id)
    done = await step("reserve")
    again = await step("reserve")

    held = services.reservations.find(order_id)
    assert held is not None
    assert held.expires_at is not None
    nothing = {"orderId": str(order_id), "status": "created", "reservationId": None, "expiresAt": None}
    assert (running.status_code, running.json()) == (202, nothing)
    assert (done.status_code, done.json()["status"], done.json()["reservationId"]) == (200, "reserved", str(held.id))
    assert done.json()["expiresAt"] == held.expires_at.isoformat().replace("+00:00", "Z")
    assert again.json() == done.json()


async def test_reserve_waits_for_the_workflow(
    api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)

    answer, seconds = await meanwhile(
        app, Steps(api, buyer, order_id)("reserve", wait=None), lambda: reserve(services, order_id)
    )

    assert (answer.status_code, answer.json()["status"]) == (200, "reserved")
    assert seconds < 2
    assert "preference-applied" not in answer.headers


async def test_T61_reserve_of_a_cancelled_order(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services)
    undo(services, order_id, CancelReason.OUT_OF_STOCK)

    answer = await Steps(api, buyer, order_id)("reserve")

    assert slug(answer) == (409, "invalid-transition")
    assert answer.json()["cancelReason"] == "out_of_stock"


async def test_reserve_answers_when_the_order_is_cancelled_meanwhile(
    api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)

    answer, seconds = await meanwhile(
        app, Steps(api, buyer, order_id)("reserve", wait=30), lambda: undo(services, order_id)
    )

    assert slug(answer) == (409, "invalid-transition")
    assert seconds < 2
    assert answer.status_code == 409


async def test_T66_confirm_before_payment(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services, card="tok_pending")
    step = Steps(api, buyer, order_id)
    refused = [await step("confirm", wait=30)]
    reserve(services, order_id)
    refused.append(await step("confirm", wait=30))
    pay(services, order_id)
    refused.append(await step("confirm", wait=30))

    assert [slug(answer) for answer in refused] == [(409, "invalid-transition")] * 3
    assert services.orders.get(order_id).status == "payment_pending"


async def test_confirm_of_a_paid_order(
    api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    pay(services, order_id)
    step = Steps(api, buyer, order_id)

    running = await step("confirm")
    done, _ = await meanwhile(app, step("confirm", wait=10), lambda: confirm(services, order_id))

    assert (running.status_code, running.json()) == (202, {"orderId": str(order_id), "status": "paid"})
    assert (done.status_code, done.json()) == (200, {"orderId": str(order_id), "status": "confirmed"})
    assert (await step("confirm")).json() == done.json()


async def test_T67_cancel_twice(api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services)
    step = Steps(api, buyer, order_id)

    first = await step("cancel", wait=None, body={"reason": "{{7*7}}\nchanged my mind"})
    second = await step("cancel", wait=None)
    done, _ = await meanwhile(app, step("cancel", wait=10), lambda: undo(services, order_id))
    after = await step("cancel", wait=None)

    assert (first.status_code, first.json()) == (202, {"orderId": str(order_id), "status": "cancelling"})
    assert second.status_code == 202
    assert (done.status_code, done.json()) == (200, {"orderId": str(order_id), "status": "cancelled"})
    assert (after.status_code, after.json()) == (200, done.json())
    assert services.orders.get(order_id).cancel_reason is CancelReason.BUYER_REQUEST


async def test_T67_cancel_after_confirmation(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    pay(services, order_id)
    confirm(services, order_id)

    assert slug(await Steps(api, buyer, order_id)("cancel")) == (409, "invalid-transition")


@pytest.mark.parametrize("reason", ["x" * 501, "x" * 10_000, "a\x00b", "a\u202eb", 1, ["x"]])
async def test_T67_invalid_reasons(api: httpx2.AsyncClient, buyer: Person, services: Services, reason: Any) -> None:
    order_id = await placed(api, buyer, services)

    assert slug(await Steps(api, buyer, order_id)("cancel", body={"reason": reason})) == (422, "validation-error")
    assert services.orders.get(order_id).status == "created"


async def test_an_operator_cancels(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)

    assert (await Steps(api, operator, order_id)("cancel")).status_code == 202
    assert services.orders.get(order_id).cancel_reason is CancelReason.OPERATOR_REQUEST


async def test_placing_can_wait_until_the_order_is_idle(
    api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services
) -> None:
    product_id = a_product(services)

    def drive() -> None:
        order_id = services.orders.list_orders(OrderFilter(), None, 1)[0].id
        reserve(services, order_id)
        pay(services, order_id)
        confirm(services, order_id)

    asked = order(api, buyer, product_id, card="tok_succeeds", headers={"Prefer": "wait=20, respond-async"})
    answer, seconds = await meanwhile(app, asked, drive)

    assert (answer.status_code, answer.json()["status"]) == (201, "confirmed")
    assert answer.headers["preference-applied"] == "wait=20"
    assert seconds < 5


async def test_a_wait_ends_in_time(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    began = time.monotonic()
    answer = await order(api, buyer, a_product(services), headers={"Prefer": "wait=1"})

    assert (answer.status_code, answer.json()["status"]) == (201, "created")
    assert 1 <= time.monotonic() - began < 3


async def test_an_order_is_not_idle_while_a_charge_is_under_way(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_pending")
    reader = SnapshotReader(services.orders, services.reservations, services.payments)
    idle = [reader.read(order_id, buyer.id).idle]
    reserve(services, order_id)
    services.order_transitions.start_payment(order_id, 1)
    idle.append(reader.read(order_id, buyer.id).idle)
    pay(services, order_id)
    idle.append(reader.read(order_id, buyer.id).idle)

    assert idle == [False, False, True]


async def test_one_subscription_wakes_every_request(
    api: httpx2.AsyncClient, app: FastAPI, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)
    step = Steps(api, buyer, order_id)
    requests = [asyncio.create_task(step("reserve", wait=30)) for _ in range(20)]
    async with asyncio.timeout(10):
        while state_of(app).long_polling.listeners < 20:
            await asyncio.sleep(0.005)

    await asyncio.to_thread(reserve, services, order_id)

    assert {answer.status_code for answer in await asyncio.gather(*requests)} == {200}
    assert state_of(app).long_polling.listeners == 0
