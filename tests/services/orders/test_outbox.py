"""Commands are leased oldest first per order; each event is notified once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from services.clock import new_id
from services.errors import OrderClosing
from services.orders.outbox import OrderOutbox
from services.orders.service import OrderService
from services.orders.status import CancelReason, OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView
from tests.builders import an_order
from tests.services.orders.conftest import RUN, drive


def test_the_claim_delivers_the_start(steps: OrderTransitions, outbox: OrderOutbox, order: OrderView) -> None:
    steps.claim(order.id, RUN)
    assert outbox.claim_commands(10, 5) == []


def test_commands_are_leased_oldest_first_per_order(
    orders: OrderService, steps: OrderTransitions, outbox: OrderOutbox, order: OrderView
) -> None:
    """A cancel can never overtake its order's start, though the start is not due yet."""
    orders.request_cancel(order.id, order.buyer_id)
    orders.notice_payment(order.id, new_id(), "hook-1")
    orders.notice_payment(order.id, new_id(), "hook-1")
    assert outbox.claim_commands(10, 5) == []
    steps.begin_cancel(order.id, RUN, CancelReason.BUYER_REQUEST)
    with pytest.raises(OrderClosing):
        steps.claim(order.id, RUN)
    names = []
    while commands := outbox.claim_commands(10, 5):
        names += [command.name for command in commands]
        outbox.finish_commands({command.id: "delivered" for command in commands})
    assert names == ["cancel_requested", "payment_updated"]


def test_a_leased_command_is_given_to_one_relay_only(
    orders: OrderService, steps: OrderTransitions, outbox: OrderOutbox
) -> None:
    for _ in range(8):
        order = orders.place(an_order()).order
        steps.claim(order.id, RUN)
        orders.request_cancel(order.id, order.buyer_id)
    with ThreadPoolExecutor(4) as pool:
        taken = [command.id for batch in pool.map(lambda _: outbox.claim_commands(3, 5), range(4)) for command in batch]
    assert len(taken) == len(set(taken)) == 8


def test_each_event_is_notified_once(
    orders: OrderService, steps: OrderTransitions, outbox: OrderOutbox, order: OrderView
) -> None:
    drive(steps, order.id, OrderStatus.CONFIRMED)
    events = outbox.pending_notifications(10)
    assert [event.type for event in events] == ["created", "paid", "confirmed"]
    outbox.mark_notified([event.id for event in events])
    assert outbox.pending_notifications(10) == []
