"""The life of an order, step by step: what may follow what, what repeats harmlessly, and who wins a race."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.clock import new_id
from services.errors import InvalidTransition, NotFound, OrderClaimed, OrderClosing, PaymentExists
from services.money import Money
from services.orders.service import OrderService
from services.orders.status import TRANSITIONS, CancelReason, OrderStatus, has_reached, sources
from services.orders.transitions import OrderSteps
from services.orders.views import OrderView, PaymentMethod
from tests.builders import an_order

RUN = "0195-run"


@pytest.fixture
def order(orders: OrderService) -> OrderView:
    return orders.place(an_order(lines=2)).order


def drive(steps: OrderSteps, order_id: UUID, until: OrderStatus) -> None:
    """Take the order to a status on the straight way."""
    way: list[tuple[OrderStatus, Callable[[], object]]] = [
        (OrderStatus.RESERVED, lambda: (steps.claim(order_id, RUN), steps.reserved(order_id))),
        (OrderStatus.PAYMENT_PENDING, lambda: steps.start_payment(order_id, 1)),
        (OrderStatus.PAID, lambda: steps.paid(order_id, new_id(), Money(2000, "RUB"))),
        (OrderStatus.CONFIRMED, lambda: steps.confirmed(order_id)),
    ]
    for status, step in way:
        step()
        if status == until:
            return


def test_the_straight_way(orders: OrderService, steps: OrderSteps, order: OrderView) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    assert orders.get(order.id).status == OrderStatus.CONFIRMED
    assert [event.type for event in orders.events(order.id)] == [
        "created",
        "reserved",
        "payment_pending",
        "paid",
        "confirmed",
    ]


def test_every_step_repeats_harmlessly(orders: OrderService, steps: OrderSteps, order: OrderView) -> None:
    for status in (OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING, OrderStatus.PAID, OrderStatus.CONFIRMED):
        drive(steps, order.id, status)
        drive(steps, order.id, status)
    assert len(orders.events(order.id)) == 5


def test_a_run_claims_an_order_and_no_other_run_may(steps: OrderSteps, order: OrderView) -> None:
    claimed = steps.claim(order.id, RUN)
    assert claimed.items == tuple((line.product_id, 1) for line in order.lines)
    assert steps.claim(order.id, RUN).status == OrderStatus.CREATED
    with pytest.raises(OrderClaimed):
        steps.claim(order.id, "another")
    with pytest.raises(OrderClaimed):
        steps.begin_cancel(order.id, "another", CancelReason.INTERNAL)
    with pytest.raises(NotFound):
        steps.claim(new_id(), RUN)


def test_the_claim_delivers_the_start(steps: OrderSteps, order: OrderView) -> None:
    steps.claim(order.id, RUN)
    assert steps.claim_commands(10, 5) == []


@pytest.mark.parametrize("reached", [None, OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING, OrderStatus.PAID])
def test_F56_once_cancelling_no_step_goes_forward(
    orders: OrderService, steps: OrderSteps, order: OrderView, reached: OrderStatus | None
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


def test_T66_confirm_never_skips_payment(steps: OrderSteps, order: OrderView) -> None:
    for status in (None, OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING):
        if status:
            drive(steps, order.id, status)
        with pytest.raises(InvalidTransition):
            steps.confirmed(order.id)


def test_T67_a_confirmed_order_cannot_be_cancelled(orders: OrderService, steps: OrderSteps, order: OrderView) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    with pytest.raises(InvalidTransition):
        orders.request_cancel(order.id, order.buyer_id)
    assert steps.begin_cancel(order.id, RUN, CancelReason.OPERATOR_REQUEST).status == OrderStatus.CONFIRMED
    with pytest.raises(InvalidTransition):
        steps.cancelled(order.id)


def test_the_first_reason_to_cancel_stays(orders: OrderService, steps: OrderSteps, order: OrderView) -> None:
    orders.request_cancel(order.id, order.buyer_id, note="changed my mind")
    steps.begin_cancel(order.id, RUN, CancelReason.OUT_OF_STOCK)
    assert orders.get(order.id).cancel_reason == CancelReason.BUYER_REQUEST


def test_F56_confirm_and_cancel_at_once_have_one_winner(orders: OrderService, steps: OrderSteps) -> None:
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


def test_another_way_to_pay_waits_for_the_first(orders: OrderService, steps: OrderSteps, order: OrderView) -> None:
    other = PaymentMethod(card="tok_other")
    with pytest.raises(PaymentExists):
        orders.give_method(order.id, order.buyer_id, other)
    drive(steps, order.id, OrderStatus.PAYMENT_PENDING)
    steps.forget_method(order.id)
    orders.give_method(order.id, order.buyer_id, other)
    assert steps.start_payment(order.id, 2).method == other


def test_the_way_to_pay_is_forgotten_once_paid(steps: OrderSteps, order: OrderView) -> None:
    drive(steps, order.id, OrderStatus.PAID)
    assert steps.start_payment(order.id, 1).method is None


def test_commands_are_leased_oldest_first_per_order(orders: OrderService, steps: OrderSteps, order: OrderView) -> None:
    """A cancel can never overtake its order's start, though the start is not due yet."""
    orders.request_cancel(order.id, order.buyer_id)
    orders.notice_payment(order.id, new_id(), "hook-1")
    orders.notice_payment(order.id, new_id(), "hook-1")
    assert steps.claim_commands(10, 5) == []
    steps.begin_cancel(order.id, RUN, CancelReason.BUYER_REQUEST)
    with pytest.raises(OrderClosing):
        steps.claim(order.id, RUN)
    names = []
    while commands := steps.claim_commands(10, 5):
        names += [command.name for command in commands]
        steps.finish_commands({command.id: "delivered" for command in commands})
    assert names == ["cancel_requested", "payment_settled"]


def test_a_leased_command_is_nobody_elses(orders: OrderService, steps: OrderSteps) -> None:
    for _ in range(8):
        order = orders.place(an_order()).order
        steps.claim(order.id, RUN)
        orders.request_cancel(order.id, order.buyer_id)
    with ThreadPoolExecutor(4) as pool:
        taken = [command.id for batch in pool.map(lambda _: steps.claim_commands(3, 5), range(4)) for command in batch]
    assert len(taken) == len(set(taken)) == 8


def test_events_are_told_once(orders: OrderService, steps: OrderSteps, order: OrderView) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    events = steps.untold_events(10)
    assert [event.type for event in events] == ["created", "paid", "confirmed"]
    steps.mark_told([event.id for event in events])
    assert steps.untold_events(10) == []


@given(st.lists(st.sampled_from(list(OrderStatus)), min_size=2, max_size=8))
def test_the_table_leads_to_one_end(path: list[OrderStatus]) -> None:
    """Whatever order moves are tried in, nothing leaves an end, and going back is never allowed."""
    for here, there in pairwise(path):
        if there in TRANSITIONS[here]:
            assert str(here) in sources(there)
            assert not has_reached(here, there)
        if here in (OrderStatus.CONFIRMED, OrderStatus.CANCELLED):
            assert there not in TRANSITIONS[here]
