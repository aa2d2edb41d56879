"""Money through whole orders: paid again, sent back, settled by hand, and never twice."""

from __future__ import annotations

import asyncio

import pytest

from services.money import Money
from services.orders.service import OrderService
from services.orders.status import OrderStatus
from services.orders.views import NewOrder, OrderView, PaymentMethod, Policy
from services.payments.gateway import Outcome
from services.payments.views import PaymentView
from services.reconcile.tables import check_tables
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.workflows.shop import Shop, report, returned
from workflows.order_commands import OrderCommands

CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED


async def place_twice_payable(shop: Shop, new: NewOrder) -> OrderView:
    """An order whose buyer may try to pay twice."""
    policy = Policy(max_unpaid=0, payment_attempts=2)
    orders = OrderService(shop.services.database, Vault(KEY), policy)
    order = (await asyncio.to_thread(orders.place, new)).order
    await OrderCommands(shop.skipper.client).start(order.id, shop.services.orders.start_input(order.id))
    return order


def payments(shop: Shop, order: OrderView) -> list[PaymentView]:
    return shop.services.payments.of_order(order.id)


def failed_once(shop: Shop, order: OrderView) -> bool:
    return "payment_failed" in shop.events(order.id) and not shop.services.orders.get(order.id).closed


async def pay_again(shop: Shop, order: OrderView, card: str) -> None:
    await shop.until(lambda: failed_once(shop, order))
    await shop.until(lambda: _method_is_gone(shop, order))
    await asyncio.to_thread(shop.services.orders.give_method, order.id, order.buyer_id, PaymentMethod(card=card))


def _method_is_gone(shop: Shop, order: OrderView) -> bool:
    return shop.services.order_transitions.start_payment(order.id, 1).method is None


async def drained(shop: Shop) -> None:
    """Every command has been delivered."""
    await shop.until(lambda: shop.services.order_outbox.claim_commands(10, 1) == [])


async def test_another_card_pays_an_order_whose_first_was_declined(shop: Shop) -> None:
    order = await place_twice_payable(shop, an_order(shop.product(), card="declines"))
    await shop.until(lambda: failed_once(shop, order))
    hold = shop.services.reservations.find(order.id)
    assert hold is not None
    assert hold.status == "reserved"
    await pay_again(shop, order, "succeeds")
    assert (await shop.outcome(order.id)).status == "confirmed"
    shop.check(order, CONFIRMED)
    assert [payment.status for payment in payments(shop, order)] == ["failed", "succeeded"]


async def test_two_declined_cards_are_all_there_are(shop: Shop) -> None:
    order = await place_twice_payable(shop, an_order(shop.product(), card="declines"))
    await pay_again(shop, order, "declines")
    assert (await shop.outcome(order.id)).reason == "payment_declined"
    shop.check(order, CANCELLED)


async def test_the_window_ends_for_who_does_not_pay_again(shop: Shop) -> None:
    order = await place_twice_payable(shop, an_order(shop.product(), card="declines"))
    await shop.until(lambda: failed_once(shop, order))
    await shop.forward(order.id, 1000)
    assert (await shop.outcome(order.id)).reason == "payment_expired"
    shop.check(order, CANCELLED)


async def test_F48_a_late_failure_of_the_first_try_leaves_the_second_alone(shop: Shop) -> None:
    order = await place_twice_payable(shop, an_order(shop.product(), card="declines"))
    await pay_again(shop, order, "waits")
    await shop.until(lambda: len(payments(shop, order)) == 2)
    first, second = payments(shop, order)
    await asyncio.to_thread(report, shop, first.id, "failed")
    await drained(shop)
    assert shop.services.orders.get(order.id).status == OrderStatus.PAYMENT_PENDING
    shop.provider.decide(second.id, Outcome.SUCCEEDED)
    await asyncio.to_thread(report, shop, second.id, "succeeded")
    assert (await shop.outcome(order.id)).status == "confirmed"
    shop.check(order, CONFIRMED)


async def test_a_late_success_of_the_first_try_is_sent_back_and_the_second_stays(shop: Shop) -> None:
    """A refund of one of two payments leaves the order's other one alone."""
    order = await place_twice_payable(shop, an_order(shop.product(), card="declines"))
    await pay_again(shop, order, "waits")
    await shop.until(lambda: len(payments(shop, order)) == 2)
    first, second = payments(shop, order)
    shop.provider.decide(first.id, Outcome.SUCCEEDED)
    await asyncio.to_thread(report, shop, first.id, "succeeded")
    await shop.until(lambda: returned(shop, order) == [order.total.minor])
    assert shop.services.orders.get(order.id).status == OrderStatus.PAYMENT_PENDING
    shop.provider.decide(second.id, Outcome.SUCCEEDED)
    await asyncio.to_thread(report, shop, second.id, "succeeded")
    assert (await shop.outcome(order.id)).status == "confirmed"
    shop.check(order, CONFIRMED)
    assert [payment.status for payment in payments(shop, order)] == ["refunded", "succeeded"]
    assert returned(shop, order) == [order.total.minor]


async def test_a_webhook_about_our_own_refund_makes_no_second_one(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    await shop.cancel(order)
    await asyncio.to_thread(report, shop, payment, "succeeded")
    await shop.outcome(order.id)
    for _ in range(3):
        await asyncio.to_thread(report, shop, payment, "refunded")
    await drained(shop)
    shop.check(order, CANCELLED)
    assert (len(shop.services.payments.refunds_of(order.id)), returned(shop, order)) == (1, [order.total.minor])


async def test_a_callback_while_a_refund_starts(shop: Shop) -> None:
    reached, go = shop.gates.arm("refund", "before")
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    await shop.cancel(order)
    assert await asyncio.to_thread(reached.wait, 10)
    for status in ("succeeded", "refunded", "failed"):
        await asyncio.to_thread(report, shop, payment, status)
    go.set()
    assert (await shop.outcome(order.id)).status == "cancelled"
    await drained(shop)
    shop.check(order, CANCELLED)
    assert returned(shop, order) == [order.total.minor]


async def test_the_buyers_return_and_the_webhook_both_find_the_money(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    seen = await asyncio.gather(
        *[asyncio.to_thread(shop.services.payments.refresh, payment) for _ in range(8)],
        *[asyncio.to_thread(report, shop, payment, "succeeded") for _ in range(8)],
    )
    assert {view.captured_minor for view in seen if view is not None} == {order.total.minor}
    assert (await shop.outcome(order.id)).status == "confirmed"
    shop.check(order, CONFIRMED)


async def test_F46_charged_after_the_cancel(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    for _ in range(3):
        await asyncio.to_thread(report, shop, payment, "succeeded")
    await shop.until(lambda: returned(shop, order) == [order.total.minor])
    await drained(shop)
    shop.check(order, CANCELLED)
    assert len(shop.services.payments.refunds_of(order.id)) == 1


@pytest.mark.parametrize("truth", [Outcome.SUCCEEDED, Outcome.FAILED])
async def test_T100_a_stopped_payment_confirms_nothing_and_keeps_nothing(shop: Shop, truth: Outcome) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, truth)
    await asyncio.to_thread(report, shop, payment, "succeeded", Money(1, "RUB"))
    outcome = await shop.outcome(order.id)
    assert (outcome.status, outcome.reason) == ("cancelled", "payment_unavailable")
    shop.check(order, CANCELLED)
    assert shop.services.payments.get(payment).status == ("refunded" if truth is Outcome.SUCCEEDED else "review")
    assert returned(shop, order) == ([order.total.minor] if truth is Outcome.SUCCEEDED else [])


@pytest.mark.parametrize("action", ["mark_done", "write_off"])
async def test_F53_a_refund_that_never_succeeds_is_settled_by_hand(shop: Shop, action: str) -> None:
    shop.provider.failing_refunds = 10_000
    try:
        order = await shop.place(an_order(shop.product(), card="waits"))
        await shop.until(lambda: "payment_waiting" in shop.events(order.id))
        payment = shop.payment_id(order.id)
        shop.provider.decide(payment, Outcome.SUCCEEDED)
        await shop.cancel(order)
        await shop.until(lambda: bool(shop.services.payments.refunds_of(order.id)))
        await shop.forward(order.id, 700)
        await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
        assert shop.services.orders.get(order.id).status == OrderStatus.CANCELLING
        await OrderCommands(shop.client).resolve(order.id, "refund_payment", action, "transfer 4711")
        assert (await shop.outcome(order.id)).status == "cancelled"
        await asyncio.to_thread(report, shop, payment, "refunded")
        await drained(shop)
    finally:
        shop.provider.failing_refunds = 0
    last = shop.services.payments.refunds_of(order.id)[-1]
    by_hand = action == "mark_done"
    assert (last.status, last.failure_code) == (("succeeded", None) if by_hand else ("failed", "written_off"))
    assert shop.services.payments.get(payment).refunded_minor == (order.total.minor if by_hand else 0)
    assert shop.provider.kept(payment) == order.total.minor
    broken = [v for check in check_tables(shop.services.database) if check.id in ("I4", "I5") for v in check.violations]
    assert str(order.id) not in map(str, broken)
    assert str(payment) not in map(str, broken)
