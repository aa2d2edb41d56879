"""What the pages say about the sandbox's test cards and phones."""

from __future__ import annotations

import pytest

from sandbox.standins.provider.ledger import Status
from sandbox.standins.provider.test_cards import Behaviour, known_test_cards
from web.languages import texts
from web.shop import payment_methods
from web.shop.payment_methods import GROUPS


def test_every_behaviour_is_in_a_group() -> None:
    assert {behaviour for group in GROUPS.values() for behaviour in group} == set(Behaviour)


def test_every_card_that_its_group_does_not_explain_is_explained() -> None:
    cards = [
        payment_methods.TestMethod(card["method"], card["value"], card["behaviour"]) for card in known_test_cards()
    ]
    explained = {card.behaviour for card in cards if card.does}
    assert explained == {*GROUPS["waits"], *GROUPS["misbehaves"]}
    assert {f"pay.does.{card.does}" for card in cards if card.does} == {
        name for name in texts("en").by_name if name.startswith("pay.does.")
    }


@pytest.mark.parametrize(
    ("value", "behaviour", "does", "seconds"),
    [
        ("tok_succeeds", "succeeds", None, None),
        ("tok_succeeds_6", "succeeds", None, "6"),
        ("tok_answers_later_20", "answers_later", "answers_later", "20"),
        ("tok_refund_fails_20", "refund_fails", "refund_fails", "20"),
        ("tok_refund_fails_500", "refund_fails", "refund_error", None),
    ],
)
def test_what_a_card_does(value: str, behaviour: str, does: str | None, seconds: str | None) -> None:
    card = payment_methods.TestMethod("card", value, behaviour)
    assert (card.does, card.seconds) == (does, seconds)


def test_every_status_of_the_ledger_has_a_text() -> None:
    assert {f"sandbox.status.{status}" for status in Status} <= set(texts("en").by_name)
