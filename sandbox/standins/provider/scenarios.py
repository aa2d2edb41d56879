"""How a payment by a scripted card or phone plays out: when it ends, how it is answered, which webhooks follow."""

from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto

from sandbox.standins.provider.ledger import Payment, Status, now_ms
from sandbox.standins.provider.test_cards import Behaviour, Method, Script
from sandbox.standins.settings import Settings

# A webhook of a payment that ended at once leaves after the answer, as a rule; seconds.
AFTER_THE_ANSWER = 0.2
STALE_ANSWER = 0.5
STALE_WEBHOOK = 1.0
# What these do shows only in an order that was cancelled before its money came.
REFUND_SCRIPTS = (Behaviour.REFUND_FAILS_TWICE, Behaviour.REFUND_FAILS)


class Reply(Enum):
    """What the shop gets for its request."""

    ANSWER = auto()
    ERROR = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class Plan:
    """Times in seconds; `after` 0 ends the payment within its request, `calls` are webhooks, counted from that end."""

    ends: Status = Status.SUCCEEDED
    cancel_reason: str | None = None
    after: float = 0.0
    wrong_amount: bool = False
    reply: Reply = Reply.ANSWER
    reply_after: float = 0.0
    stale: bool = False
    calls: tuple[float, ...] = (AFTER_THE_ANSWER,)


def plan_of(script: Script, settings: Settings) -> Plan:
    """The plan of a script; a phone's owner always takes a moment, whatever happens then."""
    plan = _card_plan(script, settings)
    if script.method is Method.CARD or plan.after or plan.stale:
        return plan
    if script.behaviour in REFUND_SCRIPTS:
        return replace(plan, after=settings.answers_later, calls=(0.0,))
    calls = tuple(0.0 if call == AFTER_THE_ANSWER else call for call in plan.calls)
    return replace(plan, after=settings.phone_answers, calls=calls)


def ended(payment: Payment, plan: Plan) -> Payment:
    """The payment as its plan leaves it."""
    if plan.ends is Status.CANCELED:
        return replace(payment, status=Status.CANCELED, cancel_reason=plan.cancel_reason)
    value = str((Decimal(payment.value) + 1).quantize(Decimal(payment.value))) if plan.wrong_amount else payment.value
    return replace(payment, status=Status.SUCCEEDED, value=value, captured_ms=now_ms())


def _card_plan(script: Script, settings: Settings) -> Plan:
    late = Plan(calls=(settings.late_webhook,))
    plans = {
        Behaviour.DECLINES: Plan(Status.CANCELED, "insufficient_funds"),
        Behaviour.CONFIRMS_ON_PAGE: Plan(
            Status.CANCELED, "expired_on_confirmation", settings.confirmation, calls=(0.0,)
        ),
        Behaviour.ANSWERS_LATER: Plan(after=_given(script, settings.answers_later), calls=(0.0,)),
        Behaviour.NEVER_CALLS_BACK: Plan(after=_given(script, settings.moment), calls=()),
        Behaviour.CALLS_BACK_TWICE: Plan(calls=(AFTER_THE_ANSWER, AFTER_THE_ANSWER)),
        Behaviour.OUT_OF_ORDER: Plan(reply_after=STALE_ANSWER, stale=True, calls=(0.0,)),
        Behaviour.WRONG_AMOUNT: Plan(after=_given(script, settings.moment), wrong_amount=True, calls=(0.0,)),
        Behaviour.TIMES_OUT_CHARGED: replace(late, reply=Reply.NOTHING),
        Behaviour.ERROR_AFTER_CHARGE: replace(late, reply=Reply.ERROR),
        Behaviour.SUCCEEDS: Plan(reply_after=script.number or 0.0),
        Behaviour.IGNORES_KEYS: Plan(reply_after=script.number or 0.0),
        Behaviour.REFUND_FAILS_TWICE: Plan(after=script.number or 0.0),
        Behaviour.REFUND_FAILS: Plan(after=0.0 if script.refunds_break else script.number or 0.0),
    }
    return plans.get(script.behaviour, Plan())


def _given(script: Script, usual: float) -> float:
    return usual if script.number is None else script.number
