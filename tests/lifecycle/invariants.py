"""What must hold in every state, in every closed state, and at the end of an order."""

from __future__ import annotations

from services.orders.status import CLOSING, TRANSITIONS, OrderStatus
from services.payments.gateway import Outcome
from services.reconcile.tables import check_tables
from tests.lifecycle.driver import UNDOS
from tests.lifecycle.events import Event
from tests.lifecycle.scenarios import Scenario
from tests.lifecycle.state import Hold, PaymentFacts, State
from tests.lifecycle.world import ORDERED, TOTAL, World

#: Invariants of the contract that the tables show while an order is open, too.
ALWAYS = ("I1", "I2", "I3", "I5")
#: Steps by which a run takes the order over.
TAKING_OVER = ("reserve_stock", "begin_cancel")


def faults_of(world: World, state: State) -> list[str]:
    """What is wrong with a state."""
    checks = [check for check in check_tables(world.services.database) if check.id in ALWAYS and not check.holds]
    faults = [f"{check.id}: {check.description}" for check in checks]
    faults += [f"I5: at the provider, attempt {each.attempt}" for each in state.payments if not _is_right_there(each)]
    return faults + (_faults_of_closed(state) if state.closed else [])


def faults_of_move(event: Event, before: State, after: State) -> list[str]:
    """What is wrong with a transition: statuses follow the table, a closed order stays, and only its run moves it."""
    faults = []
    moved = after.status is not before.status
    if moved and after.status not in _reachable_from(before.status):
        faults.append(f"I3: {before.status} became {after.status}")
    if moved and event.run not in ("", before.claim) and event.name not in TAKING_OVER:
        faults.append("I9: a run that does not hold the order has moved it")
    if event.name in UNDOS and before.status not in CLOSING and after != before:
        faults.append("an undo took effect on an order that is not being cancelled")
    if event.name == "sweep_reservations" and before.hold and before.hold.pinned and after != before:
        faults.append("a hold ran out although a payment has started")
    if before.closed and (before.stock, before.paid_by) != (after.stock, after.paid_by):
        faults.append("I3: a closed order changed")
    return faults


def faults_of_end(state: State, scenario: Scenario) -> list[str]:
    """What is wrong with a state in which nothing is left to happen."""
    faults = []
    confirmed = state.status is OrderStatus.CONFIRMED
    by_hand = bool(state.by_hand)
    kept = sum(payment.captured - payment.returned for payment in state.payments)
    kept_there = sum(payment.taken_there - payment.returned_there for payment in state.payments)
    if not state.closed:
        faults.append("the order is open")
    if any(payment.undecided for payment in state.payments) and not by_hand:
        faults.append("a payment is undecided")
    if kept != TOTAL * confirmed and not by_hand:
        faults.append(f"I4: {kept} is kept of {TOTAL}")
    if kept_there != TOTAL * confirmed and not by_hand:
        faults.append(f"I5: the provider took {kept_there} of {TOTAL}")
    sold = ORDERED * confirmed
    if state.stock != (scenario.units - sold, 0, sold):
        faults.append(f"I2: the stock is {state.stock}")
    return faults


def _faults_of_closed(state: State) -> list[str]:
    """A closed order has what it ended with, but for payments that arrive late, which are sent back afterwards."""
    in_time = [payment for payment in state.payments if not payment.late]
    kept = sum(payment.captured - payment.returned for payment in in_time)
    if state.status is OrderStatus.CONFIRMED:
        right = kept == TOTAL and state.hold == Hold("confirmed", pinned=True)
        paid_by = [payment.attempt for payment in in_time if payment.captured]
        return [] if right and [state.paid_by] == paid_by else ["I4: confirmed, and not paid and sold"]
    faults = []
    if any(payment.undecided for payment in state.payments) and not state.by_hand:
        faults.append("I4: cancelled, and a payment is undecided")
    if kept and not state.by_hand:
        faults.append("I4: cancelled, and money is kept")
    if state.hold and state.hold.status != "ended":
        faults.append("I4: cancelled, and goods are held")
    return faults


def _is_right_there(payment: PaymentFacts) -> bool:
    """At the provider a payment is captured once, and no more is refunded than was taken."""
    captures = payment.at_provider.count(Outcome.SUCCEEDED)
    return captures <= 1 and payment.returned_there <= payment.taken_there


def _reachable_from(status: OrderStatus) -> set[OrderStatus]:
    """The statuses that one step may lead to: a step may make two transitions, as a charge does."""
    direct = TRANSITIONS[status]
    return {*direct, *(far for near in direct for far in TRANSITIONS[near])}
