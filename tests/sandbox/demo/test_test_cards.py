"""Which test cards and phones the demo runs, and that the documentation lists all of them."""

from __future__ import annotations

import re

from sandbox.demo.test_cards import card_cases
from sandbox.layout import ROOT
from sandbox.standins.provider.test_cards import Behaviour, Method, known_test_cards

VARIANT = re.compile(r"tok_\w+_\d+")


def test_every_behaviour_runs_and_refund_behaviours_are_charged_with_a_delay() -> None:
    cases = card_cases(known_test_cards())

    cards = [case for case in cases if case.method is Method.CARD]
    assert [case.behaviour for case in cards] == list(Behaviour)
    assert [case.value for case in cards[-2:]] == ["tok_refund_fails_twice_3", "tok_refund_fails_3"]
    phones = {case.behaviour for case in cases if case.method is Method.PHONE}
    assert phones == set(Behaviour) - {Behaviour.CONFIRMS_ON_PAGE}


def test_documentation_lists_every_test_card_with_its_behaviour() -> None:
    page = (ROOT / "docs" / "payments-sandbox.md").read_text()
    rows = {line for line in page.splitlines() if line.startswith("| `tok_")}

    for card in known_test_cards():
        named = [row for row in rows if f"`{card['value']}`" in row and f" {card['behaviour']} |" in row]
        assert named or (VARIANT.fullmatch(card["value"]) and f"`{card['value']}`" in page), card["value"]
