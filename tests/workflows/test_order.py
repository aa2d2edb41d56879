"""Every branch of an order's workflow, on real services and a real server, with time skipped."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from structlog.testing import capture_logs
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from activities.messages import OrderOutcome
from services.errors import InvalidTransition
from services.orders.status import FOR_OPERATORS, CancelReason, OrderStatus
from services.orders.views import PaymentMethod
from services.payments.gateway import GatewayRefused, MethodRules, Outcome
from services.payments.status import PaymentMethodType
from tests.builders import an_order
from tests.fakes.gateway import FakeGateway
from tests.workflows.shop import Shop
from workflows.order_commands import OrderCommands
from workflows.search_attributes import BUYER_ID, ORDER_STATUS

CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED


async def test_the_straight_way(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), shop.product(), quantity=2))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)
    assert shop.events(order.id) == ["created", "reserved", "payment_pending", "paid", "confirmed"]


async def test_it_completes_and_can_be_found_by_its_status(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    described = await shop.workflow(order.id).describe()
    assert described.status == WorkflowExecutionStatus.COMPLETED
    assert described.typed_search_attributes.get(ORDER_STATUS) == "confirmed"
    assert described.typed_search_attributes.get(BUYER_ID) == str(order.buyer_id)


async def test_out_of_stock_takes_no_money(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), shop.product(units=1), quantity=2))
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.OUT_OF_STOCK)
    shop.check(order, CANCELLED)
    assert shop.services.payments.of_order(order.id) == []


async def test_F38_declined_gives_the_goods_back(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="declines"))
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_DECLINED)
    shop.check(order, CANCELLED)
    assert shop.events(order.id)[2:] == ["payment_pending", "payment_failed", "cancelling", "released", "cancelled"]


@pytest.mark.parametrize(
    "rules",
    [{"max_minor": 100}, {"currencies": frozenset({"EUR"})}, None],
    ids=["amount", "currency", "method"],
)
async def test_a_payment_that_the_provider_cannot_take_is_no_decline(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, rules: dict[str, Any] | None
) -> None:
    methods = {} if rules is None else {PaymentMethodType.CARD: MethodRules(term=3600, **rules)}
    monkeypatch.setattr(FakeGateway, "methods", methods)
    order = await shop.place(an_order(shop.product()))
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_UNAVAILABLE)
    shop.check(order, CANCELLED)
    assert shop.services.payments.of_order(order.id) == []


async def test_T175_a_request_that_is_wrong_because_of_the_shop_is_no_decline(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise GatewayRefused("invalid_request", parameter="receipt", shop_fault=True)

    monkeypatch.setattr(FakeGateway, "charge", refuse)
    with capture_logs() as logs:
        order = await shop.place(an_order(shop.product()))
        assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_UNAVAILABLE)
    shop.check(order, CANCELLED)
    [payment] = shop.services.payments.of_order(order.id)
    assert (payment.status, payment.failure_code) == ("failed", "payment_unavailable")
    [entry] = [entry for entry in logs if entry["log_level"] == "error"]
    assert (entry["event"], entry["code"], entry["parameter"]) == ("payments.refused", "invalid_request", "receipt")


async def test_pending_until_the_provider_calls(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.services.orders.notice_payment(order.id, payment, "hook")
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_pending_then_declined_by_the_buyer(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.FAILED)
    shop.services.orders.notice_payment(order.id, payment, "hook")
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_DECLINED)
    shop.check(order, CANCELLED)


async def test_F45_a_webhook_that_never_comes_is_replaced_by_asking(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    await shop.forward(order.id, 300)
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_F34_unknown_then_found_charged(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="dies_charged"))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)
    assert shop.provider.charges[shop.payment_id(order.id)] == 1


async def test_F35_unknown_then_found_not_charged(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="dies_uncharged"))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)
    assert shop.provider.charges[shop.payment_id(order.id)] == 2


async def test_T52_without_a_method_it_waits_until_one_is_given(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    assert await shop.workflow(order.id).query("status") == "reserved"
    shop.services.orders.give_method(order.id, order.buyer_id, PaymentMethod(card="succeeds"))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_F41_the_payment_window_ends(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    await shop.forward(order.id, 899)
    assert shop.services.orders.get(order.id).status == OrderStatus.RESERVED
    await shop.forward(order.id, 10)
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_EXPIRED)
    shop.check(order, CANCELLED)


async def test_a_payment_nobody_answers_ends_with_its_term(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await shop.forward(order.id, 3000)
    assert shop.services.orders.get(order.id).status == OrderStatus.PAYMENT_PENDING
    await shop.forward(order.id, 1200)
    await shop.until(lambda: "released" in shop.events(order.id))
    shop.provider.decide(shop.payment_id(order.id), Outcome.FAILED)
    await shop.forward(order.id, 600)
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_EXPIRED)
    shop.check(order, CANCELLED)


async def test_T68_cancelled_while_pending_gives_goods_at_once_and_money_when_it_comes(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    assert shop.services.orders.get(order.id).status == OrderStatus.CANCELLING
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.services.orders.notice_payment(order.id, payment, "late")
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.BUYER_REQUEST)
    shop.check(order, CANCELLED)
    assert "refunded" in shop.events(order.id)


async def test_F37_a_provider_that_is_away_is_waited_for(shop: Shop) -> None:
    shop.provider.set_available(False)
    try:
        order = await shop.place(an_order(shop.product()))
        await shop.until_status(order.id, OrderStatus.PAYMENT_PENDING)
    finally:
        shop.provider.set_available(True)
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)


async def test_F37_a_provider_that_stays_away_ends_the_order_with_its_payment_window(shop: Shop) -> None:
    """Temporal ends the retries of the charge with their last failure, which is no time-out."""
    shop.provider.set_available(False)
    try:
        order = await shop.place(an_order(shop.product()))
        await shop.until_status(order.id, OrderStatus.PAYMENT_PENDING)
        await shop.forward(order.id, 1000)
        await shop.until_status(order.id, OrderStatus.CANCELLING)
    finally:
        shop.provider.set_available(True)
    with suppress(RPCError):  # it may have ended already
        await shop.forward(order.id, 300)
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.PAYMENT_EXPIRED)
    shop.check(order, CANCELLED)


async def test_F55_two_cancels_and_a_success_at_once(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    await shop.cancel(order)
    shop.services.orders.notice_payment(order.id, payment, "hook")
    await shop.cancel(order)
    await shop.workflow(order.id).cancel()
    outcome = await shop.outcome(order.id)
    assert outcome.status == "cancelled"
    shop.check(order, CANCELLED)
    assert len([event for event in shop.events(order.id) if event == "refunded"]) == 1


async def test_duplicate_signals_change_nothing(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    for number in range(5):
        shop.services.orders.notice_payment(order.id, payment, f"hook-{number}")
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)
    assert shop.events(order.id).count("paid") == 1


async def test_F47_a_success_after_the_end_is_refunded_once(shop: Shop) -> None:
    """The provider had said no, the order was closed, and then the money came all the same."""
    order = await shop.place(an_order(shop.product(), card="declines"))
    await shop.outcome(order.id)
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    for number in range(3):
        shop.services.orders.notice_payment(order.id, payment, f"late-{number}")
    await shop.until(lambda: "refunded" in shop.events(order.id))
    await shop.until(lambda: shop.services.order_outbox.claim_commands(10, 1) == [])
    shop.check(order, CANCELLED)
    assert shop.events(order.id).count("refunded") == 1


async def test_a_report_on_the_payment_of_a_confirmed_order_refunds_nothing(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    shop.services.orders.notice_payment(order.id, shop.payment_id(order.id), "again")
    await shop.until(lambda: shop.services.order_outbox.claim_commands(10, 1) == [])
    shop.check(order, CONFIRMED)


async def test_F32_starting_twice_joins_and_a_run_of_a_closed_order_returns_its_outcome(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    first = (await shop.workflow(order.id).describe()).run_id
    await OrderCommands(shop.client).start(order.id, shop.services.orders.start_input(order.id))
    assert (await shop.workflow(order.id).describe()).run_id == first
    await shop.cancel(order)
    await shop.outcome(order.id)
    events = shop.events(order.id)
    await OrderCommands(shop.client).start(order.id, shop.services.orders.start_input(order.id))
    assert (await shop.workflow(order.id).describe()).run_id != first
    assert await shop.outcome(order.id) == OrderOutcome(CANCELLED, CancelReason.BUYER_REQUEST)
    shop.check(order, CANCELLED)
    assert shop.events(order.id) == events


async def test_F33_a_second_run_after_retention_does_nothing(shop: Shop) -> None:
    """Temporal has forgotten the id; the order's row has not."""
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    events = shop.events(order.id)
    await OrderCommands(shop.client).start(order.id, shop.services.orders.start_input(order.id))
    assert await shop.outcome(order.id) == OrderOutcome(CONFIRMED)
    shop.check(order, CONFIRMED)
    assert shop.events(order.id) == events


async def test_a_refund_that_keeps_failing_asks_for_a_person_and_goes_on(shop: Shop) -> None:
    shop.provider.failing_refunds = 1000
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.services.orders.notice_payment(order.id, payment, "late")
    await shop.forward(order.id, 700)
    await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
    (attention,) = shop.services.orders.get(order.id).attention
    assert (attention.reason, attention.detail) == ("refund_payment", "failed")
    assert shop.services.orders.get(order.id).status == OrderStatus.CANCELLING
    commands = OrderCommands(shop.client)
    assert await commands.resolve(order.id, "refund_payment", "retry", by="anna") == "refund_payment: retry"
    shop.provider.failing_refunds = 0
    await commands.resolve(order.id, "refund_payment", "retry", by="boris")
    await shop.until_cancelled(order)
    shop.check(order, CANCELLED)
    assert not shop.services.orders.get(order.id).needs_attention
    events = shop.services.orders.events(order.id)
    assert [event.detail for event in events if event.type in FOR_OPERATORS] == [
        "refund_payment: failed",
        "refund_payment: retry by anna",
        "refund_payment: retry by boris",
        "refund_payment",
    ]
    assert not {event.type for event in shop.services.orders.events(order.id, order.buyer_id)} & {*FOR_OPERATORS}


async def test_resolving_what_is_not_stuck_is_refused(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    for action in ("retry", "forget"):
        with pytest.raises(InvalidTransition):
            await OrderCommands(shop.client).resolve(order.id, "refund_payment", action)
    await shop.cancel(order)
    await shop.outcome(order.id)
    with pytest.raises(InvalidTransition):
        await OrderCommands(shop.client).resolve(order.id, "refund_payment", "retry")
