"""The test cards and phones: which value makes the payment provider do what."""

import re
from dataclasses import dataclass
from enum import StrEnum

SERVER_ERROR = 500


class Method(StrEnum):
    CARD = "card"
    PHONE = "phone"


class Behaviour(StrEnum):
    SUCCEEDS = "succeeds"
    DECLINES = "declines"
    CONFIRMS_ON_PAGE = "confirms_on_page"
    ANSWERS_LATER = "answers_later"
    NEVER_CALLS_BACK = "never_calls_back"
    CALLS_BACK_TWICE = "calls_back_twice"
    OUT_OF_ORDER = "out_of_order"
    WRONG_AMOUNT = "wrong_amount"
    TIMES_OUT_CHARGED = "times_out_charged"
    TIMES_OUT_NOT_CHARGED = "times_out_not_charged"
    ERROR_AFTER_CHARGE = "error_after_charge"
    IGNORES_KEYS = "ignores_keys"
    REFUND_FAILS_TWICE = "refund_fails_twice"
    REFUND_FAILS = "refund_fails"


@dataclass(frozen=True)
class Script:
    """A card token or phone (E.164) and what a payment by it does; `number` is what follows a card's name."""

    value: str
    method: Method
    behaviour: Behaviour
    number: float | None = None

    @property
    def refunds_break(self) -> bool:
        """Whether every request for a refund is answered with an error, instead of a refund that fails."""
        return self.behaviour is Behaviour.REFUND_FAILS and self.number == SERVER_ERROR


OUTCOMES = {
    Behaviour.SUCCEEDS: "charged",
    Behaviour.DECLINES: "declined: insufficient_funds",
    Behaviour.CONFIRMS_ON_PAGE: "pending until somebody approves or declines at confirmation_url",
    Behaviour.ANSWERS_LATER: "pending, charged some seconds later and told by webhook",
    Behaviour.NEVER_CALLS_BACK: "pending, charged a moment later, no webhook ever",
    Behaviour.CALLS_BACK_TWICE: "charged, every webhook sent twice",
    Behaviour.OUT_OF_ORDER: "charged; the webhook comes before the answer, an older one after it",
    Behaviour.WRONG_AMOUNT: "pending, then charged with another amount than asked",
    Behaviour.TIMES_OUT_CHARGED: "charged, never answered, the webhook comes late; refunds alike",
    Behaviour.TIMES_OUT_NOT_CHARGED: "the first request is never answered and not charged, the next one is charged",
    Behaviour.ERROR_AFTER_CHARGE: "charged, answered with 500, the webhook comes late; refunds alike",
    Behaviour.IGNORES_KEYS: "charged anew at every request, whatever its Idempotence-Key",
    Behaviour.REFUND_FAILS_TWICE: "charged; two refund requests answer 500, the third refunds",
    Behaviour.REFUND_FAILS: "charged; every refund is canceled",
}

# Nothing can be confirmed on a page for a phone: its owner answers an SMS of the carrier.
PHONES = {
    f"+79000000{number:03}": behaviour
    for number, behaviour in enumerate((b for b in Behaviour if b is not Behaviour.CONFIRMS_ON_PAGE), start=1)
}

VARIANTS = {
    "tok_succeeds_6": "charged at once, answered after 6 s (any number of seconds)",
    "tok_answers_later_10": "pending, charged 10 s later (any number of seconds)",
    "tok_ignores_keys_6": "charged anew at every request, each answered after 6 s (any number of seconds)",
    "tok_refund_fails_twice_3": "pending, charged 3 s later (any number of seconds); refunds as without the number",
    "tok_refund_fails_3": "pending, charged 3 s later (any number of seconds but 500); refunds as without the number",
    "tok_refund_fails_500": "charged; every refund request answers 500",
}

CARD = re.compile(r"tok_([a-z_]+?)(?:_(\d+(?:\.\d+)?))?")


def card_script(token: str) -> Script:
    """What a card token does; a token nobody knows succeeds."""
    match = CARD.fullmatch(token)
    if match is None or match[1] not in list(Behaviour):
        return Script(token, Method.CARD, Behaviour.SUCCEEDS)
    return Script(token, Method.CARD, Behaviour(match[1]), float(match[2]) if match[2] else None)


def phone_script(phone: str) -> Script:
    """What a phone does (digits with or without the plus); a phone nobody knows succeeds."""
    value = "+" + phone.removeprefix("+")
    return Script(value, Method.PHONE, PHONES.get(value, Behaviour.SUCCEEDS))


def script_of(method: str, value: str) -> Script:
    """What a card or phone does that a payment was made by."""
    return card_script(value) if method == Method.CARD else phone_script(value)


def known_scripts() -> list[dict[str, str]]:
    """Every card and phone worth trying, the one that simply succeeds first of its method."""
    cards = [Script(f"tok_{behaviour}", Method.CARD, behaviour) for behaviour in Behaviour]
    cards += [card_script(token) for token in VARIANTS]
    phones = [Script(value, Method.PHONE, behaviour) for value, behaviour in PHONES.items()]
    return [_shown(script) for script in cards + phones]


def _shown(script: Script) -> dict[str, str]:
    outcome = VARIANTS.get(script.value, OUTCOMES[script.behaviour])
    if script.method is Method.PHONE and not outcome.startswith("pending"):
        outcome = f"pending first; {outcome}"
    return {"value": script.value, "method": script.method, "behaviour": script.behaviour, "outcome": outcome}
