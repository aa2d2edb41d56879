"""The test cards and phones, and the behaviour of the payment provider that each triggers."""

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
class Instrument:
    """A card token or phone (E.164) and the behaviour it triggers; `number` is the suffix of a card token."""

    value: str
    method: Method
    behaviour: Behaviour
    number: float | None = None

    @property
    def refund_requests_fail(self) -> bool:
        """Whether every refund request gets an error response, instead of a refund that fails."""
        return self.behaviour is Behaviour.REFUND_FAILS and self.number == SERVER_ERROR


OUTCOMES = {
    Behaviour.SUCCEEDS: "charged",
    Behaviour.DECLINES: "declined: insufficient_funds",
    Behaviour.CONFIRMS_ON_PAGE: "pending until the buyer approves or declines at confirmation_url",
    Behaviour.ANSWERS_LATER: "pending, charged some seconds later, then a webhook",
    Behaviour.NEVER_CALLS_BACK: "pending, charged a second later, no webhook",
    Behaviour.CALLS_BACK_TWICE: "charged, every webhook sent twice",
    Behaviour.OUT_OF_ORDER: "charged; the webhook comes before the response, an older one after it",
    Behaviour.WRONG_AMOUNT: "pending, then charged with a different amount",
    Behaviour.TIMES_OUT_CHARGED: "charged, no response, the webhook comes late; refunds likewise",
    Behaviour.TIMES_OUT_NOT_CHARGED: "the first request gets no response and is not charged, the next one is charged",
    Behaviour.ERROR_AFTER_CHARGE: "charged, the response is 500, the webhook comes late; refunds likewise",
    Behaviour.IGNORES_KEYS: "charged at every request, also with the same Idempotence-Key",
    Behaviour.REFUND_FAILS_TWICE: "charged; two refund requests get 500, the third succeeds",
    Behaviour.REFUND_FAILS: "charged; every refund is canceled",
}

# A payment by phone is confirmed by SMS of the carrier, so there is no confirmation page.
PHONES = {
    f"+79000000{number:03}": behaviour
    for number, behaviour in enumerate((b for b in Behaviour if b is not Behaviour.CONFIRMS_ON_PAGE), start=1)
}

VARIANTS = {
    "tok_succeeds_6": "charged at once, response after 6 s (any number of seconds)",
    "tok_answers_later_20": "pending, charged 20 s later (any number of seconds)",
    "tok_ignores_keys_6": "charged at every request, each response after 6 s (any number of seconds)",
    "tok_refund_fails_twice_20": "pending, charged 20 s later (any number of seconds); refunds as without a number",
    "tok_refund_fails_20": "pending, charged 20 s later (any number of seconds but 500); refunds as without a number",
    "tok_refund_fails_500": "charged; every refund request gets 500",
}

CARD = re.compile(r"tok_([a-z_]+?)(?:_(\d+(?:\.\d+)?))?")


def card_instrument(token: str) -> Instrument:
    """The instrument of a card token; an unknown token succeeds."""
    match = CARD.fullmatch(token)
    if match is None or match[1] not in list(Behaviour):
        return Instrument(token, Method.CARD, Behaviour.SUCCEEDS)
    return Instrument(token, Method.CARD, Behaviour(match[1]), float(match[2]) if match[2] else None)


def phone_instrument(phone: str) -> Instrument:
    """The instrument of a phone (digits with or without the plus); an unknown phone succeeds."""
    value = "+" + phone.removeprefix("+")
    return Instrument(value, Method.PHONE, PHONES.get(value, Behaviour.SUCCEEDS))


def instrument_of(method: str, value: str) -> Instrument:
    """The instrument that a payment was made by."""
    return card_instrument(value) if method == Method.CARD else phone_instrument(value)


def known_test_cards() -> list[dict[str, str]]:
    """Every test card and phone as JSON; the first of each method succeeds."""
    cards = [Instrument(f"tok_{behaviour}", Method.CARD, behaviour) for behaviour in Behaviour]
    cards += [card_instrument(token) for token in VARIANTS]
    phones = [Instrument(value, Method.PHONE, behaviour) for value, behaviour in PHONES.items()]
    return [_as_json(instrument) for instrument in cards + phones]


def _as_json(instrument: Instrument) -> dict[str, str]:
    outcome = VARIANTS.get(instrument.value, OUTCOMES[instrument.behaviour])
    if instrument.method is Method.PHONE and not outcome.startswith("pending"):
        outcome = f"pending first; {outcome}"
    return {
        "value": instrument.value,
        "method": instrument.method,
        "behaviour": instrument.behaviour,
        "outcome": outcome,
    }
