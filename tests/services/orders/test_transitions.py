"""Transitions of an order: what may follow what, what repeats harmlessly, and who wins a race."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from services.clock import new_id
from services.db import Database
from services.errors import InvalidTransition, NotFound, OrderClaimed, OrderClosing, PaymentExists
from services.money import Money
from services.orders.service import OrderService
from services.orders.status import CancelReason, OrderEventType, OrderStatus, ResolveAction
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView, PaymentMethod, WorkflowRun
from tests.builders import an_order
from tests.services.orders.conftest import RUN, drive


def test_the_straight_way(orders: OrderService, steps: OrderTransitions, order: OrderView) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    assert orders.get(order.id).status == OrderStatus.CONFIRMED
    assert [event.type for event in orders.events(order.id)] == [
        "created",
        "reserved",
        "payment_pending",
        "paid",
        "confirmed",
    ]


def test_every_step_repeats_harmlessly(orders: OrderService, steps: OrderTransitions, order: OrderView) -> None:
    for status in (OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING, OrderStatus.PAID, OrderStatus.CONFIRMED):
        drive(steps, order.id, status)
        drive(steps, order.id, status)
    assert len(orders.events(order.id)) == 5


@pytest.mark.parametrize("written_first", [True, False])
def test_no_entry_is_committed_after_one_with_a_larger_id(
    orders: OrderService, steps: OrderTransitions, database: Database, order: OrderView, written_first: bool
) -> None:
    """Who has read an entry asks for what follows it: a stream of events, and a client that resumes one."""
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as tx:
            steps.claim(order.id, RUN, tx)
            if written_first:
                steps.reserved(order.id, tx)
            noted = pool.submit(steps.note, order.id, OrderEventType.RELEASED, "released")
            wait([noted], timeout=0.5)
            if not written_first:
                steps.reserved(order.id, tx)
            seen = orders.events(order.id)[-1].id
        noted.result()
    assert [event.type for event in orders.events(order.id, after=seen)] == ["reserved", "released"]


def test_I9_a_later_run_takes_the_order_over_and_the_earlier_is_refused(
    steps: OrderTransitions, order: OrderView
) -> None:
    later, earlier = WorkflowRun("later", RUN.started + 1), WorkflowRun("earlier", RUN.started - 1)
    claimed = steps.claim(order.id, RUN)
    assert claimed.items == tuple((line.product_id, 1) for line in order.lines)
    assert steps.claim(order.id, RUN).status == OrderStatus.CREATED
    steps.claim(order.id, later)
    for step in (
        lambda: steps.claim(order.id, RUN),
        lambda: steps.claim(order.id, earlier),
        lambda: steps.begin_cancel(order.id, RUN, CancelReason.INTERNAL),
    ):
        with pytest.raises(OrderClaimed):
            step()
    assert steps.begin_cancel(order.id, later, CancelReason.INTERNAL).status == OrderStatus.CANCELLING
    with pytest.raises(NotFound):
        steps.claim(new_id(), RUN)
    with pytest.raises(NotFound):
        steps.begin_cancel(new_id(), RUN, CancelReason.INTERNAL)


@pytest.mark.parametrize("reached", [OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING, OrderStatus.PAID])
def test_I9_no_step_of_an_earlier_run_has_an_effect(
    orders: OrderService, steps: OrderTransitions, order: OrderView, reached: OrderStatus
) -> None:
    """Also when the step would only repeat what was done."""
    drive(steps, order.id, reached)
    steps.claim(order.id, WorkflowRun("later", RUN.started + 1))
    for step in (
        lambda: steps.start_payment(order.id, 1, RUN.id),
        lambda: steps.payment_due(order.id, RUN.id),
        lambda: steps.confirmed(order.id, RUN.id),
        lambda: steps.cancelled(order.id, RUN.id),
    ):
        with pytest.raises(OrderClaimed):
            step()
    assert orders.get(order.id).status == reached
    assert steps.start_payment(order.id, 1, "later").total == order.total


def test_a_later_run_goes_on_where_the_earlier_one_ended(
    orders: OrderService, steps: OrderTransitions, order: OrderView
) -> None:
    """Method and failed attempts come from the row; the start input says what they were when the order was placed."""
    drive(steps, order.id, OrderStatus.PAYMENT_PENDING)
    steps.note(order.id, OrderEventType.PAYMENT_FAILED, "payment_failed:1", attempt=1)
    steps.forget_method(order.id)
    claimed = steps.claim(order.id, WorkflowRun("later", RUN.started + 1))
    assert (claimed.has_method, claimed.failed_attempts) == (False, 1)
    orders.give_method(order.id, order.buyer_id, PaymentMethod(card="tok_other"))
    claimed = steps.claim(order.id, WorkflowRun("latest", RUN.started + 2))
    assert (claimed.has_method, claimed.failed_attempts) == (True, 1)
    steps.paid(order.id, new_id(), order.total)
    assert steps.claim(order.id, WorkflowRun("last", RUN.started + 3)).has_method
    assert 0 <= claimed.age < 60


@pytest.mark.parametrize("reached", [None, OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING, OrderStatus.PAID])
def test_F56_once_cancelling_no_step_goes_forward(
    orders: OrderService, steps: OrderTransitions, order: OrderView, reached: OrderStatus | None
) -> None:
    if reached:
        drive(steps, order.id, reached)
    assert orders.request_cancel(order.id, order.buyer_id).status == OrderStatus.CANCELLING
    for step in (
        lambda: steps.claim(order.id, RUN),
        lambda: steps.reserved(order.id),
        lambda: steps.start_payment(order.id, 1),
        lambda: steps.paid(order.id, new_id(), Money(2000, "RUB")),
        lambda: steps.confirmed(order.id),
    ):
        with pytest.raises(OrderClosing):
            step()
    assert steps.cancelled(order.id).status == OrderStatus.CANCELLED
    assert steps.cancelled(order.id).cancel_reason == CancelReason.BUYER_REQUEST
    assert orders.request_cancel(order.id, order.buyer_id).status == OrderStatus.CANCELLED


def test_T66_confirm_never_skips_payment(steps: OrderTransitions, order: OrderView) -> None:
    for status in (None, OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING):
        if status:
            drive(steps, order.id, status)
        with pytest.raises(InvalidTransition):
            steps.confirmed(order.id)


def test_T67_a_confirmed_order_cannot_be_cancelled(
    orders: OrderService, steps: OrderTransitions, order: OrderView
) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    with pytest.raises(InvalidTransition):
        orders.request_cancel(order.id, order.buyer_id)
    assert steps.begin_cancel(order.id, RUN, CancelReason.OPERATOR_REQUEST).status == OrderStatus.CONFIRMED
    with pytest.raises(InvalidTransition):
        steps.cancelled(order.id)


def test_the_first_reason_to_cancel_stays(orders: OrderService, steps: OrderTransitions, order: OrderView) -> None:
    orders.request_cancel(order.id, order.buyer_id, cancel_note="changed my mind")
    steps.begin_cancel(order.id, RUN, CancelReason.OUT_OF_STOCK)
    assert orders.get(order.id).cancel_reason == CancelReason.BUYER_REQUEST


def test_F56_confirm_and_cancel_at_once_have_one_winner(orders: OrderService, steps: OrderTransitions) -> None:
    for _ in range(20):
        order = orders.place(an_order()).order
        drive(steps, order.id, OrderStatus.PAID)
        with ThreadPoolExecutor(2) as pool:
            confirming = pool.submit(steps.confirmed, order.id)
            cancelling = pool.submit(orders.request_cancel, order.id, order.buyer_id)
        lost = [future.exception() for future in (confirming, cancelling) if future.exception()]
        assert len(lost) == 1
        won = OrderStatus.CANCELLING if confirming.exception() else OrderStatus.CONFIRMED
        assert orders.get(order.id).status == won


def test_another_way_to_pay_waits_for_the_first(
    orders: OrderService, steps: OrderTransitions, order: OrderView
) -> None:
    other = PaymentMethod(card="tok_other")
    with pytest.raises(PaymentExists):
        orders.give_method(order.id, order.buyer_id, other)
    drive(steps, order.id, OrderStatus.PAYMENT_PENDING)
    steps.forget_method(order.id)
    orders.give_method(order.id, order.buyer_id, other)
    assert steps.start_payment(order.id, 2).method == other


def test_the_way_to_pay_is_forgotten_once_paid(steps: OrderTransitions, order: OrderView) -> None:
    drive(steps, order.id, OrderStatus.PAID)
    assert steps.start_payment(order.id, 1).method is None


def test_a_reason_that_is_cleared_leaves_the_others(
    orders: OrderService, steps: OrderTransitions, order: OrderView
) -> None:
    def reasons() -> tuple[str, ...]:
        return orders.get(order.id).attention_reasons

    for reason in ("payment_review", "refund_payment", "release_stock", "refund_payment"):
        steps.raise_attention(order.id, reason)
    assert reasons() == ("payment_review", "refund_payment", "release_stock")
    assert orders.get(order.id).resolvable_reason(None, ResolveAction.RETRY) == "refund_payment"
    steps.clear_attention(order.id, "refund_payment")
    steps.clear_attention(order.id, "refund_payment")
    assert reasons() == ("payment_review", "release_stock")
    assert orders.get(order.id).resolvable_reason(None, ResolveAction.RETRY) == "release_stock"
    for reason in reasons():
        steps.clear_attention(order.id, reason)
    assert (reasons(), orders.get(order.id).needs_attention) == ((), False)


def test_a_transition_that_drops_the_method_leaves_attention(
    orders: OrderService, steps: OrderTransitions, order: OrderView
) -> None:
    """The code that raised a reason clears it; the end of an order does not."""
    steps.raise_attention(order.id, "refund-of-a-late-payment")
    orders.request_cancel(order.id, order.buyer_id)
    steps.cancelled(order.id)
    assert orders.get(order.id).attention_reasons == ("refund-of-a-late-payment",)


def test_reading_what_is_due_moves_nothing(orders: OrderService, steps: OrderTransitions, order: OrderView) -> None:
    drive(steps, order.id, OrderStatus.RESERVED)
    with pytest.raises(InvalidTransition):
        steps.payment_due(order.id)
    assert orders.get(order.id).status == OrderStatus.RESERVED
    drive(steps, order.id, OrderStatus.PAYMENT_PENDING)
    assert steps.payment_due(order.id) == steps.start_payment(order.id, 1)
