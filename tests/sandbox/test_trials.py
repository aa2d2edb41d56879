"""When the demo's last table says that a row balances, and when it does not."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from rich.console import Console

from sandbox.demo.run import _scripts
from sandbox.demo.test_cards import Result, Trial, trials
from sandbox.layout import ROOT
from sandbox.standins.provider.test_cards import Behaviour, Method, known_test_cards

VARIANT = re.compile(r"tok_\w+_\d+")
PAID = Trial("tok_succeeds", Method.CARD, Behaviour.SUCCEEDS)
CANCELLED = Trial("tok_refund_fails_3", Method.CARD, Behaviour.REFUND_FAILS)


def a_charge(amount: str = "10.00", *refunds: tuple[str, str], captures: int = 1) -> dict[str, Any]:
    given_back = [{"amount": value, "status": status} for value, status in refunds]
    return {"amount": amount, "captures": captures, "refunds": given_back}


def a_result(trial: Trial, *charges: dict[str, Any], status: str | None = None, by_hand: int = 0) -> Result:
    order = {"status": status or trial.ends, "totalAmount": "10.00", "currency": "GBP"}
    return Result(trial, order, list(charges), by_hand)


RIGHT = {
    "paid": a_result(PAID, a_charge()),
    "asked again in vain": a_result(PAID, a_charge(captures=0), a_charge()),
    "returned": a_result(CANCELLED, a_charge("10.00", ("10.00", "canceled"), ("10.00", "succeeded"))),
    "returned with what was too much": a_result(CANCELLED, a_charge("11.00", ("11.00", "succeeded"))),
    "returned by hand": a_result(CANCELLED, a_charge("10.00", ("10.00", "canceled")), by_hand=1000),
    "nothing taken": a_result(CANCELLED),
}
WRONG = {
    "charged twice": a_result(PAID, a_charge(), a_charge()),
    "charged twice and returned once": a_result(PAID, a_charge(), a_charge("10.00", ("10.00", "succeeded"))),
    "charged too much": a_result(PAID, a_charge("11.00")),
    "given away": a_result(PAID),
    "kept": a_result(CANCELLED, a_charge("10.00", ("10.00", "canceled"))),
    "kept in part": a_result(CANCELLED, a_charge("10.00", ("9.99", "succeeded"))),
    "returned and returned by hand": a_result(CANCELLED, a_charge("10.00", ("10.00", "succeeded")), by_hand=1000),
    "not over": a_result(CANCELLED, a_charge("10.00", ("10.00", "succeeded")), status="cancelling"),
    "ended the other way": a_result(CANCELLED, a_charge(), status="confirmed"),
}


@pytest.mark.parametrize("case", RIGHT)
def test_a_row_that_balances(case: str) -> None:
    assert RIGHT[case].balances


@pytest.mark.parametrize("case", WRONG)
def test_a_row_that_does_not(case: str) -> None:
    assert not WRONG[case].balances


def test_every_script_is_tried_and_those_whose_refunds_fail_wait_first() -> None:
    wanted = trials(known_test_cards())

    cards = [trial.value for trial in wanted if trial.method is Method.CARD]
    assert [trial.behaviour for trial in wanted if trial.method is Method.CARD] == list(Behaviour)
    assert cards[-2:] == ["tok_refund_fails_twice_3", "tok_refund_fails_3"]
    assert {trial.behaviour for trial in wanted if trial.method is Method.PHONE} == set(Behaviour) - {
        Behaviour.CONFIRMS_ON_PAGE
    }


def test_the_page_on_test_cards_names_each_with_its_behaviour() -> None:
    page = (ROOT / "docs" / "payments-sandbox.md").read_text()
    rows = {line for line in page.splitlines() if line.startswith("| `tok_")}

    for script in known_test_cards():
        named = [row for row in rows if f"`{script['value']}`" in row and f" {script['behaviour']} |" in row]
        assert named or (VARIANT.fullmatch(script["value"]) and f"`{script['value']}`" in page), script["value"]


def test_one_row_that_does_not_balance_is_said_and_spoils_the_demo() -> None:
    said = io.StringIO()
    console = Console(file=said, width=80)

    assert _scripts(console, [*RIGHT.values()])
    assert "NO" not in said.getvalue()
    assert not _scripts(console, [*RIGHT.values(), WRONG["kept"]])
    assert [line.split()[:3] for line in said.getvalue().splitlines() if " NO" in line] == [
        ["refund_fails", "card", "cancelled"]
    ]
