"""Orders in the archive answer as they did before, and come back when something happens to them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.archive.archive import OrderArchive
from services.bootstrap import Services
from services.order_number import order_number
from services.payments.gateway import Outcome
from services.payments.views import PaymentView
from services.reconcile.provider_payments import PaymentComparison
from services.reconcile.provider_refunds import RefundComparison
from services.reconcile.scope import Deadline, Scope
from services.reconcile.tables import check_tables
from tests.api.payments.reports import notify, report_of
from tests.api.people import Person
from tests.api.shop import ORDERS, a_product, confirm, pay, placed, reserve, undo
from tests.fakes.gateway import FakeGateway
from tests.old_orders import BEFORE, make_old, old_order_ids

API = "/api/v1"


@dataclass
class OldShop:
    """A buyer's old orders: one kept and refunded in part, one cancelled after it was paid, one never paid, one new."""

    api: httpx2.AsyncClient
    services: Services
    gateway: FakeGateway
    buyer: Person
    operator: Person
    kept: UUID
    cancelled: UUID
    unpaid: UUID
    new: UUID

    @property
    def payment(self) -> PaymentView:
        return self.services.payments.of_order(self.kept)[0]

    def archive(self) -> int:
        return OrderArchive(self.services.database).move_batch(BEFORE).orders

    def archived(self) -> set[UUID]:
        return set(self.services.database.fetch_column("SELECT id FROM orders.archived_orders"))

    async def get(self, path: str, by: Person | None = None, **query: Any) -> Any:
        answer = await self.api.get(f"{API}{path}", params=query, headers=(by or self.operator).headers)
        return answer.status_code, json.loads(answer.content)

    async def post(self, path: str, by: Person | None = None, **body: Any) -> Any:
        answer = await self.api.post(f"{API}{path}", json=body or None, headers=(by or self.operator).headers)
        return answer.status_code, answer.json()

    def violations(self) -> list[Any]:
        database, scope = self.services.database, Scope(lag=0, since=500 * 86_400)
        listed = [
            comparison(database, self.gateway, Deadline(60)).run(scope)
            for comparison in (PaymentComparison, RefundComparison)
        ]
        assert [check.unchecked for check in listed] == [None, None]
        return [check.violations for check in [*check_tables(database), *listed] if check.violations]


@pytest.fixture
async def shop(
    api: httpx2.AsyncClient, services: Services, buyer: Person, operator: Person, monkeypatch: pytest.MonkeyPatch
) -> OldShop:
    gateway = services.gateway
    assert isinstance(gateway, FakeGateway)
    gateway.payments.clear()
    gateway.refunds.clear()
    with monkeypatch.context() as patched:
        old_order_ids(patched)
        kept, cancelled = [await placed(api, buyer, services, card="tok_succeeds") for _ in range(2)]
        for order_id in (kept, cancelled):
            reserve(services, order_id)
            pay(services, order_id)
        confirm(services, kept)
        undo(services, cancelled)
        unpaid = await placed(api, buyer, services)
        undo(services, unpaid)
    shop = OldShop(api, services, gateway, buyer, operator, kept, cancelled, unpaid, unpaid)
    body: dict[str, Any] = {"orderId": str(kept), "paymentId": str(shop.payment.id), "amount": "250.00"}
    assert (await shop.post("/refunds", **body))[0] == 201
    services.database.execute(
        "INSERT INTO notifications.notifications (id, key, order_id, channel, template, language, status)"
        " SELECT uuidv7(), 'notify:' || id, id, 'email', 'order_paid', 'en', 'sent' FROM orders.orders"
    )
    make_old(services.database)
    for reference in list(gateway.payments):
        gateway.make_older(reference, timedelta(days=400))
    shop.new = await placed(api, buyer, services)
    return shop


async def every_read(shop: OldShop) -> dict[str, Any]:
    """What each read answers about the old orders, to the buyer and to an operator."""
    answers: dict[str, Any] = {}
    payment, services = shop.payment, shop.services

    async def read(path: str, by: Person, **query: Any) -> None:
        answers[f"{path} {query} {by is shop.buyer}"] = await shop.get(path, by, **query)

    for order_id in (shop.kept, shop.cancelled, shop.unpaid):
        for by in (shop.buyer, shop.operator):
            await read(f"/orders/{order_id}", by)
        await read(f"/orders/{order_id}/comparison", shop.operator)
        await read("/notifications", shop.operator, orderId=str(order_id))
        await read("/orders", shop.operator, number=order_number(str(order_id)))
    await read("/orders/me", shop.buyer)
    for status in ("confirmed", "cancelled", "created"):
        await read("/orders", shop.operator, status=status)
        await read("/orders/me", shop.buyer, status=status)
    await read("/orders", shop.operator, needsAttention="true")
    await read("/orders", shop.operator, buyerId=str(shop.buyer.id))
    for name in (str(payment.id), payment.provider_id):
        await read("/orders", shop.operator, paymentId=name)
    await read(f"/payments/{payment.id}", shop.operator)
    (refund,) = services.payments.refunds_of(shop.kept)
    await read(f"/refunds/{refund.id}", shop.operator)
    reservation = services.reservations.find(shop.kept)
    assert reservation is not None
    await read(f"/reservations/{reservation.id}", shop.operator)
    await read("/users/me/export", shop.buyer)
    answers["events"] = [services.orders.events(order_id) for order_id in (shop.kept, shop.cancelled, shop.unpaid)]
    answers["paid before"] = services.orders.has_paid(shop.buyer.id or UUID(int=0))
    return answers


async def test_every_read_answers_as_before(shop: OldShop) -> None:
    before = await every_read(shop)
    assert {status for status, *_ in (answer for answer in before.values() if isinstance(answer, tuple))} == {200}
    assert shop.violations() == []

    assert shop.archive() == 3

    assert shop.archived() == {shop.kept, shop.cancelled, shop.unpaid}
    assert await every_read(shop) == before
    assert shop.violations() == []
    assert shop.archived() == {shop.kept, shop.cancelled, shop.unpaid}


async def test_pages_go_from_new_orders_to_archived_ones(shop: OldShop) -> None:
    shop.archive()
    for by, path in ((shop.buyer, "/orders/me"), (shop.operator, "/orders")):
        cursor: dict[str, str] = {}
        seen: list[UUID] = []
        while True:
            _, page = await shop.get(path, by, limit=1, **cursor)
            seen += [UUID(each["id"]) for each in page["items"]]
            if page.get("nextCursor") is None:
                break
            cursor = {"cursor": page["nextCursor"]}
        assert seen == sorted([shop.kept, shop.cancelled, shop.unpaid, shop.new], reverse=True)


async def test_the_timeline_is_streamed_from_the_archive(shop: OldShop) -> None:
    shop.archive()
    path = f"{ORDERS}/{shop.kept}/events"
    async with shop.api.stream("GET", path, headers={**shop.buyer.headers, "Last-Event-ID": "0"}) as answer:
        assert answer.status_code == 200
        text = "".join([part async for part in answer.aiter_text()])
    assert [word for word in ("created", "paid", "confirmed", "refunded") if f'"{word}"' in text] == [
        "created",
        "paid",
        "confirmed",
        "refunded",
    ]


async def test_what_a_closed_order_refuses_it_refuses_in_the_archive(shop: OldShop) -> None:
    async def refusals() -> list[Any]:
        cancel = await shop.post(f"/orders/{shop.kept}/cancel", shop.buyer)
        again = await shop.post(f"/orders/{shop.cancelled}/cancel", shop.buyer)
        payment = await shop.post(f"/orders/{shop.kept}/pay", shop.buyer, card="tok_succeeds")
        late = await shop.post(f"/orders/{shop.cancelled}/pay", shop.buyer, card="tok_succeeds")
        return [(status, body.get("type"), body.get("detail")) for status, body in (cancel, again, payment, late)]

    before = await refusals()
    shop.archive()
    assert await refusals() == before
    assert shop.archived() == {shop.kept, shop.cancelled, shop.unpaid}


async def test_a_refund_moves_the_order_back(shop: OldShop) -> None:
    shop.archive()
    refund: dict[str, Any] = {
        "orderId": str(shop.kept),
        "paymentId": str(shop.payment.id),
        "amount": "1049.00",
        "restock": True,
    }
    status, made = await shop.post("/refunds", **refund)
    assert (status, made["status"]) == (201, "succeeded")
    assert shop.archived() == {shop.cancelled, shop.unpaid}
    _, shown = await shop.get(f"/orders/{shop.kept}", shop.buyer)
    assert (shown["status"], shown["refundedAmount"]) == ("confirmed", "1299.00")
    types = [event.type for event in shop.services.orders.events(shop.kept)]
    assert types[-3:] == ["restocked", "refunded", "operator_action"]
    assert shop.violations() == []
    assert shop.archive() == 0


async def test_a_refund_on_the_providers_page_moves_the_order_back(shop: OldShop) -> None:
    shop.archive()
    payment = shop.payment
    refund = shop.gateway.refund_by_hand(payment.id, 10_000)
    message = {"id": "w-1", "payment": payment.provider_id, "refund": refund.provider_id}
    answer = await shop.api.post(f"{API}/payments/webhooks/fake", content=json.dumps(message).encode())
    assert answer.status_code == 200
    assert shop.archived() == {shop.cancelled, shop.unpaid}
    _, shown = await shop.get(f"/orders/{shop.kept}", shop.buyer)
    assert shown["refundedAmount"] == "350.00"
    assert shop.violations() == []


async def test_a_refund_in_the_providers_list_moves_the_order_back(shop: OldShop) -> None:
    shop.archive()
    shop.gateway.refund_by_hand(shop.payment.id, 10_000)
    assert shop.services.payments.find_provider_refunds(timedelta(days=1)) == 1
    assert shop.archived() == {shop.cancelled, shop.unpaid}
    assert shop.payment.refunded_minor == 35_000
    # What the books have is read in the archive.
    assert shop.services.payments.find_provider_payments(timedelta(days=500)) == []
    assert shop.archived() == {shop.cancelled, shop.unpaid}


async def test_late_money_for_an_archived_payment_is_noticed(shop: OldShop) -> None:
    services, database = shop.services, shop.services.database
    payment = services.payments.of_order(shop.cancelled)[0]
    for statement in (
        "DELETE FROM payments.ledger WHERE payment_id = %(id)s",
        "DELETE FROM payments.refunds WHERE payment_id = %(id)s",
        "UPDATE payments.payments SET status = 'failed', captured_minor = 0, refunded_minor = 0 WHERE id = %(id)s",
    ):
        database.execute(statement, {"id": payment.id})
    shop.gateway.refunds.clear()
    assert shop.archive() == 3
    shop.gateway.decide(payment.id, Outcome.SUCCEEDED)

    message = {"id": "w-late", "payment": payment.provider_id}
    answer = await shop.api.post(f"{API}/payments/webhooks/fake", content=json.dumps(message).encode())

    assert answer.status_code == 200
    assert shop.archived() == {shop.kept, shop.unpaid}
    found = database.fetch_column("SELECT name FROM orders.outbox WHERE order_id = %(id)s", {"id": shop.cancelled})
    assert found == ["late_payment"]
    assert services.payments.refund_late(payment.id).done
    assert (shop.gateway.captures(payment.id), shop.gateway.refunded(payment.id)) == (1, payment.amount.minor)


async def test_a_signed_report_about_an_archived_payment(shop: OldShop) -> None:
    shop.archive()
    payment = shop.payment
    answer = await notify(shop.api, shop.services, payment.id, report_of(payment))
    assert answer.status_code == 200
    assert shop.archived() == {shop.cancelled, shop.unpaid}
    unknown = report_of(payment, paymentId=str(shop.new))
    assert (await notify(shop.api, shop.services, shop.new, unknown)).status_code == 404


async def test_a_reservation_of_an_archived_order_is_not_made_again(shop: OldShop) -> None:
    services, database = shop.services, shop.services.database
    found = services.reservations.find(shop.kept)
    assert found is not None
    shop.archive()
    body: dict[str, Any] = {
        "orderId": str(shop.kept),
        "items": [{"productId": str(a_product(services)), "quantity": 1}],
    }
    assert (await shop.post("/reservations", **body))[0] == 409
    assert (await shop.post(f"/reservations/{found.id}/release"))[0] == 409
    assert (await shop.post(f"/reservations/{found.id}/confirm"))[0] == 200
    held = "SELECT count(*) FROM reservations.reservations WHERE order_id = %(id)s"
    assert database.fetch_value(held, {"id": shop.kept}) == 0
