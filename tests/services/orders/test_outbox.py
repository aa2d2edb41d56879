"""Commands are leased oldest first per order; each event is notified once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from services.clock import new_id
from services.db import Database
from services.errors import OrderClosing
from services.orders.outbox import OrderOutbox
from services.orders.outbox_repository import DONE_DAYS
from services.orders.personal_data import OrderPersonalData
from services.orders.service import OrderService
from services.orders.status import CancelReason, OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView, Policy
from services.payments.webhook_inbox_repository import KEPT_DAYS
from services.secrets import Vault
from tests.builders import KEY, an_order
from tests.fakes.clock import FakeClock
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


def test_a_command_is_deleted_thirty_days_after_its_delivery(
    database: Database, orders: OrderService, steps: OrderTransitions, order: OrderView
) -> None:
    clock = FakeClock()
    outbox = OrderOutbox(database.with_clock(clock), Vault(KEY))
    steps.claim(order.id, RUN)
    orders.notice_payment(order.id, new_id(), "hook-1")
    orders.notice_payment(order.id, new_id(), "hook-2")
    first, *_ = outbox.claim_commands(10, 5)
    outbox.finish_commands({first.id: "delivered"})
    clock.set_from_database(database, DONE_DAYS * 86_400 - 10)
    assert outbox.delete_done(10) == 0
    clock.move(seconds=11)
    assert [outbox.delete_done(1) for _ in range(3)] == [1, 1, 0]
    assert [command.name for command in outbox.claim_commands(10, 5)] == ["payment_updated"]


def test_I11_a_command_is_known_as_long_as_the_message_that_caused_it() -> None:
    assert DONE_DAYS >= KEPT_DAYS


def test_a_refund_is_noticed_once_by_an_order_that_is_being_cancelled(
    orders: OrderService, steps: OrderTransitions, outbox: OrderOutbox, order: OrderView
) -> None:
    payment = paid_by(steps, order)
    orders.notice_refund(order.id, payment, "refund:1")
    assert outbox.claim_commands(10, 0) == []
    steps.begin_cancel(order.id, RUN, CancelReason.BUYER_REQUEST)
    for _ in range(2):
        orders.notice_refund(order.id, payment, "refund:1")
    (command,) = outbox.claim_commands(10, 0)
    assert (command.name, command.arguments) == ("payment_updated", {"payment_id": str(payment)})
    outbox.finish_commands({command.id: "delivered"})
    steps.cancelled(order.id)
    orders.notice_refund(order.id, payment, "refund:2")
    assert outbox.claim_commands(10, 0) == []


def test_a_refund_of_a_payment_that_pays_no_order_is_noticed_by_its_own_workflow(
    orders: OrderService, steps: OrderTransitions, outbox: OrderOutbox, order: OrderView
) -> None:
    paid_by(steps, order)
    late = new_id()
    for _ in range(2):
        orders.notice_refund(order.id, late, "refund:1")
    (command,) = outbox.claim_commands(10, 0)
    assert (command.name, command.arguments) == ("refund_updated", {"payment_id": str(late)})


def paid_by(steps: OrderTransitions, order: OrderView) -> UUID:
    """The payment that has just paid the order."""
    payment = new_id()
    drive(steps, order.id, OrderStatus.PAYMENT_PENDING)
    steps.paid(order.id, payment, order.total)
    return payment


def test_an_order_whose_key_was_retired_does_not_keep_the_others_from_their_messages(
    database: Database, orders: OrderService, steps: OrderTransitions
) -> None:
    """Their webhooks neither: both are queued from this list. The copy of the buyer's data goes on too."""
    unreadable = orders.place(an_order(card=None, phone="+79991234567")).order
    drive(steps, unreadable.id, OrderStatus.PAID)
    other = orders.place(an_order()).order
    later = Vault("the key of another time, 32 letters")
    with capture_logs() as logs:
        found = OrderOutbox(database, later).pending_notifications(10)
        (copied,) = OrderPersonalData(database, later).page(unreadable.buyer_id, None, 10)
        shown = OrderService(database, later, Policy()).contact_phone(unreadable.id)

    assert [(each.order_id, each.phone) for each in found] == [
        (unreadable.id, None),
        (unreadable.id, None),
        (other.id, None),
    ]
    assert (copied["id"], copied["contactPhone"], shown) == (str(unreadable.id), None, None)
    assert {(each["event"], each["order_id"]) for each in logs} == {("order.contact_lost", str(unreadable.id))}
