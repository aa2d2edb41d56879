"""A full refund returns the goods of its order to stock once, however often and by whomever it is recorded."""

from __future__ import annotations

import asyncio
from unittest.mock import patch

import httpx2
import pytest

from activities.payment_sweeps import PaymentSweeps
from services.bootstrap import Services
from services.payments.gateway import GatewayRefused
from services.payments.views import PaymentView
from services.reconcile.tables import check_tables
from services.reservations.service import ReservationService
from tests.api.payments.test_refunds import provider_away, refund, sold
from tests.api.people import Person
from tests.fakes.gateway import FakeGateway


def stock_of(services: Services, payment: PaymentView) -> tuple[int, int]:
    """The available and the sold units of the product that the order has one unit of."""
    [line] = services.orders.get(payment.order_id).lines
    stock = services.reservations.stocks([line.product_id])[line.product_id]
    assert stock.total == stock.available + stock.reserved + stock.sold
    return stock.available, stock.sold


def restocked(services: Services, payment: PaymentView) -> int:
    """How often the timeline says that the goods are back; the invariants hold each time."""
    assert [check.id for check in check_tables(services.database) if not check.holds] == []
    return [event.type for event in services.orders.events(payment.order_id)].count("restocked")  # type: ignore[arg-type]  # a StrEnum


def sweep(services: Services) -> None:
    """The periodic job of the workers."""
    PaymentSweeps(
        services.orders, services.order_transitions, services.payments, services.reservations
    ).continue_refunds()


async def test_T198_a_full_refund_returns_the_goods(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)
    assert stock_of(services, payment) == (9, 1)

    answer = await refund(api, operator, payment, restock=True)

    assert (answer.status_code, answer.json()["status"]) == (201, "succeeded")
    assert (stock_of(services, payment), restocked(services, payment)) == ((10, 0), 1)
    reservation = services.reservations.find(payment.order_id)
    assert reservation is not None
    assert reservation.status == "confirmed"
    again = await refund(api, operator, payment, restock=True)
    assert (again.status_code, again.json()["type"]) == (422, "/problems/refund-exceeds-captured")
    sweep(services)
    assert (stock_of(services, payment), restocked(services, payment)) == ((10, 0), 1)


async def test_T198_without_restock_the_goods_stay_sold(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)

    await refund(api, operator, payment)
    sweep(services)

    assert (stock_of(services, payment), restocked(services, payment)) == ((9, 1), 0)


async def test_T198_only_a_refund_of_all_that_is_left_returns_goods(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)

    part = await refund(api, operator, payment, "299.00", restock=True)
    assert (part.status_code, [error["pointer"] for error in part.json()["errors"]]) == (422, ["/restock"])
    assert (await refund(api, operator, payment, "299.00")).status_code == 201
    assert (stock_of(services, payment), restocked(services, payment)) == ((9, 1), 0)

    assert (await refund(api, operator, payment, "1000.00", restock=True)).status_code == 201
    assert (stock_of(services, payment), restocked(services, payment)) == ((10, 0), 1)


@pytest.mark.parametrize("restock", [None, "true", 1])
async def test_T198_restock_is_a_boolean(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, restock: object
) -> None:
    answer = await refund(api, operator, await sold(api, buyer, services), restock=restock)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/restock")


async def test_T199_many_requests_at_once_return_the_goods_once(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)
    body = {"orderId": str(payment.order_id), "paymentId": str(payment.id), "amount": "1299.00", "restock": True}

    async def ask(key: str) -> int:
        headers = {**operator.headers, "Idempotency-Key": key}
        return (await api.post("/api/v1/refunds", json=body, headers=headers)).status_code

    statuses = await asyncio.gather(*(ask(key) for key in ("a", "a", "a", "b", "c", "d")))
    await asyncio.gather(*(asyncio.to_thread(sweep, services) for _ in range(4)))

    assert statuses.count(201) in (1, 3)  # those with the key of the first one repeat its answer
    assert {*statuses} <= {201, 422}
    assert (stock_of(services, payment), restocked(services, payment)) == ((10, 0), 1)


@pytest.mark.parametrize("lost", ["restock", "note"])
async def test_T199_a_process_that_ends_before_the_goods_are_back(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, lost: str
) -> None:
    payment = await sold(api, buyer, services)
    owner = ReservationService if lost == "restock" else type(services.order_transitions)

    with patch.object(owner, lost, side_effect=SystemError("killed")):
        assert (await refund(api, operator, payment, restock=True)).status_code == 500
    assert restocked(services, payment) == 0
    sweep(services)

    assert (stock_of(services, payment), restocked(services, payment)) == ((10, 0), 1)


async def test_T199_a_refund_that_the_provider_decides_later(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)

    with provider_away():
        assert (await refund(api, operator, payment, restock=True)).json()["status"] == "pending"
    assert (stock_of(services, payment), restocked(services, payment)) == ((9, 1), 0)
    services.database.execute("UPDATE payments.refunds SET claimed_until = NULL")
    sweep(services)

    assert (stock_of(services, payment), restocked(services, payment)) == ((10, 0), 1)


async def test_T199_a_refund_that_fails_returns_no_goods(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    payment = await sold(api, buyer, services)

    with patch.object(FakeGateway, "refund", side_effect=GatewayRefused("insufficient_funds")):
        assert (await refund(api, operator, payment, restock=True)).json()["status"] == "failed"
    sweep(services)
    assert (stock_of(services, payment), restocked(services, payment)) == ((9, 1), 0)

    assert (await refund(api, operator, payment, restock=True)).json()["status"] == "succeeded"
    assert (stock_of(services, payment), restocked(services, payment)) == ((10, 0), 1)
