"""What may happen to an order: steps of its runs, people, the provider, time, and accidents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.orders.status import UNPAID, OrderStatus
from services.payments.gateway import Outcome
from tests.lifecycle.scenarios import Scenario
from tests.lifecycle.state import PaymentFacts, State


@dataclass(frozen=True)
class Event:
    """One event, and what the provider does meanwhile."""

    name: str
    #: the run whose step it is
    run: str = ""
    attempt: int = 0
    #: what the provider does with a charge, or decides; or what an operator decides
    how: str = ""
    #: what the provider does with a refund
    refund: str = ""

    def __str__(self) -> str:
        details = [
            str(each) for each in (self.run, self.attempt, self.how, self.refund and f"refund {self.refund}") if each
        ]
        return f"{self.name}({', '.join(details)})" if details else self.name


def steps_of(run: str, state: State, attempts: int) -> Iterator[Event]:
    """Every step that a run may have under way, whatever the run knows: a step may be executed late, or again."""
    yield Event("reserve_stock", run)
    for attempt in range(1, attempts + 1):
        yield Event("charge_payment", run, attempt)
    for payment in state.payments:
        yield Event("refresh_payment", run, payment.attempt)
    for name in ("confirm_order", "begin_cancel", "finish_cancel"):
        yield Event(name, run)


def undos() -> Iterator[Event]:
    """The undos; they are not bound to a run."""
    yield Event("release_stock")
    yield Event("refund_payment")


def surroundings(state: State, scenario: Scenario) -> Iterator[Event]:
    """What people, the provider and time may do."""
    yield from _people(state, scenario)
    for payment in state.payments:
        yield from _provider(payment)
    for payment in state.payments:
        if scenario.hanging_calls and not payment.at_provider:
            yield Event("hanging_charge_goes_on", attempt=payment.attempt)
    if state.hold and state.hold.status == "reserved":
        yield Event("sweep_reservations")
        if not state.hold.is_over and (scenario.pinned_holds_run_out or not state.hold.pinned):
            yield Event("hold_runs_out")
    if len(scenario.runs) > 1:
        yield Event("run_is_followed")
    refunds = [refund for payment in state.payments for refund in payment.refunds]
    if any(each.status == "pending" for each in refunds):
        yield Event("continue_refunds")
    if any(each.claimed for each in state.payments) or any(each.claimed for each in refunds):
        yield Event("claims_run_out")


def _people(state: State, scenario: Scenario) -> Iterator[Event]:
    if state.status is not OrderStatus.CANCELLING:
        yield Event("buyer_cancels")
    if state.status in UNPAID and not state.has_method and state.methods_given < scenario.attempts:
        yield Event("buyer_gives_method")
    if state.status is OrderStatus.CANCELLING and not state.by_hand:
        for action in scenario.resolutions:
            yield Event("operator_resolves", how=action)


def _provider(payment: PaymentFacts) -> Iterator[Event]:
    attempt = payment.attempt
    outcome = payment.at_provider[0] if payment.at_provider else None
    if outcome is Outcome.PENDING:
        yield Event("provider_decides", attempt=attempt, how=Outcome.SUCCEEDED)
        yield Event("provider_decides", attempt=attempt, how=Outcome.FAILED)
    # Late successes and webhooks of the first attempt only: enough for them to meet the success of the second one.
    elif outcome is not None and attempt == 1:
        if outcome is Outcome.FAILED:
            yield Event("provider_decides", attempt=attempt, how=Outcome.SUCCEEDED)
        if not payment.reported:
            yield Event("webhook", attempt=attempt, how=outcome)
    if any(refund.at_provider is Outcome.PENDING for refund in payment.refunds):
        yield Event("provider_decides_refund", attempt=attempt, how=Outcome.SUCCEEDED)
        yield Event("provider_decides_refund", attempt=attempt, how=Outcome.FAILED)
