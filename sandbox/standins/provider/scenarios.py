"""Scenarios of payments by test cards and phones: final status, response, and webhooks with their delays."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto
from functools import lru_cache

from sandbox.standins.provider.ledger import Payment, Status, now_ms
from sandbox.standins.provider.test_cards import Behaviour, Instrument, Method
from sandbox.standins.settings import Settings

# Seconds. The webhook of a payment that is final at once is normally sent after the response.
WEBHOOK_AFTER_RESPONSE = 0.2
STALE_RESPONSE_DELAY = 0.5
STALE_WEBHOOK_DELAY = 1.0
# Their effect shows only when the order is cancelled before the payment succeeds.
REFUND_BEHAVIOURS = (Behaviour.REFUND_FAILS_TWICE, Behaviour.REFUND_FAILS)


class Reply(Enum):
    """The kind of response to the shop's request."""

    ANSWER = auto()
    ERROR = auto()
    NONE = auto()


@dataclass(frozen=True)
class Scenario:
    """The course of one payment; delays are in seconds.

    `delay` 0 completes the payment within its request. One webhook is sent for each of `webhook_delays`, counted from
    the completion. `stale` responds with the state before the completion.
    """

    final_status: Status = Status.SUCCEEDED
    cancel_reason: str | None = None
    delay: float = 0.0
    wrong_amount: bool = False
    reply: Reply = Reply.ANSWER
    reply_delay: float = 0.0
    stale: bool = False
    webhook_delays: tuple[float, ...] = (WEBHOOK_AFTER_RESPONSE,)


@lru_cache(maxsize=1024)
def scenario_of(instrument: Instrument, settings: Settings) -> Scenario:
    """The scenario of a test card or phone; payments by phone are always pending first."""
    scenario = _card_scenario(instrument, settings)
    if instrument.method is Method.CARD or scenario.delay or scenario.stale:
        return scenario
    if instrument.behaviour in REFUND_BEHAVIOURS:
        return replace(scenario, delay=settings.answers_later, webhook_delays=(0.0,))
    webhook_delays = tuple(0.0 if delay == WEBHOOK_AFTER_RESPONSE else delay for delay in scenario.webhook_delays)
    return replace(scenario, delay=settings.phone_answers, webhook_delays=webhook_delays)


def completed(payment: Payment, scenario: Scenario) -> Payment:
    """The payment in the final state of its scenario."""
    if scenario.final_status is Status.CANCELED:
        return replace(payment, status=Status.CANCELED, cancel_reason=scenario.cancel_reason)
    value = (
        str((Decimal(payment.value) + 1).quantize(Decimal(payment.value))) if scenario.wrong_amount else payment.value
    )
    return replace(payment, status=Status.SUCCEEDED, value=value, captured_ms=now_ms())


def _card_scenario(instrument: Instrument, settings: Settings) -> Scenario:
    late = Scenario(webhook_delays=(settings.late_webhook,))
    scenarios = {
        Behaviour.DECLINES: Scenario(Status.CANCELED, "insufficient_funds"),
        Behaviour.CONFIRMS_ON_PAGE: Scenario(
            Status.CANCELED, "expired_on_confirmation", settings.confirmation, webhook_delays=(0.0,)
        ),
        Behaviour.ANSWERS_LATER: Scenario(delay=_seconds(instrument, settings.answers_later), webhook_delays=(0.0,)),
        Behaviour.NEVER_CALLS_BACK: Scenario(delay=_seconds(instrument, settings.moment), webhook_delays=()),
        Behaviour.CALLS_BACK_TWICE: Scenario(webhook_delays=(WEBHOOK_AFTER_RESPONSE, WEBHOOK_AFTER_RESPONSE)),
        Behaviour.OUT_OF_ORDER: Scenario(reply_delay=STALE_RESPONSE_DELAY, stale=True, webhook_delays=(0.0,)),
        Behaviour.WRONG_AMOUNT: Scenario(
            delay=_seconds(instrument, settings.moment), wrong_amount=True, webhook_delays=(0.0,)
        ),
        Behaviour.TIMES_OUT_CHARGED: replace(late, reply=Reply.NONE),
        Behaviour.ERROR_AFTER_CHARGE: replace(late, reply=Reply.ERROR),
        Behaviour.SUCCEEDS: Scenario(reply_delay=instrument.number or 0.0),
        Behaviour.IGNORES_KEYS: Scenario(reply_delay=instrument.number or 0.0),
        Behaviour.REFUND_FAILS_TWICE: Scenario(delay=instrument.number or 0.0),
        Behaviour.REFUND_FAILS: Scenario(delay=0.0 if instrument.refund_requests_fail else instrument.number or 0.0),
    }
    return scenarios.get(instrument.behaviour, Scenario())


def _seconds(instrument: Instrument, default: float) -> float:
    return default if instrument.number is None else instrument.number
