"""The tables that the demo prints, and what they return."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from sandbox.demo.account import Account, Fate, Result, refused
from sandbox.demo.audit import Balance
from sandbox.demo.invoices import Plan
from sandbox.demo.tables import print_account, print_audit, print_card_results
from services.catalog.importing import ImportFile
from services.reconcile.findings import Check, Finding
from tests.sandbox.demo.builders import CANCELLED, PAID, a_charge, a_planned_order, a_result

BALANCED = a_result(PAID, a_charge())
UNBALANCED = a_result(CANCELLED, a_charge("10.00", ("10.00", "canceled")))


def a_console() -> tuple[Console, io.StringIO]:
    output = io.StringIO()
    return Console(file=output, width=120), output


def test_card_results_with_an_unbalanced_row_fail() -> None:
    console, output = a_console()

    assert print_card_results(console, [BALANCED])
    assert "NO" not in output.getvalue()
    assert not print_card_results(console, [BALANCED, UNBALANCED])
    assert [line.split()[:3] for line in output.getvalue().splitlines() if " NO" in line] == [
        ["refund_fails", "card", "cancelled"]
    ]


PLAN = Plan(Path("day.csv"), ImportFile([], {}, lines=3), {}, goods_total=1000)
SOLD = Result(a_planned_order(lines=2), Fate.SOLD)
AGREED = Balance(1000, 1000, 1000)


def an_account(*results: Result, skipped: int = 1) -> Account:
    account = Account(PLAN, skipped=Counter({"quantity is not above zero": skipped}))
    for result in results:
        account.add(result)
    return account


def test_an_account_that_balances_passes() -> None:
    console, output = a_console()

    assert print_account(console, an_account(SOLD), AGREED)
    assert "NOT" not in output.getvalue()


@pytest.mark.parametrize(
    ("account", "balance", "statement"),
    [
        (an_account(SOLD, skipped=0), AGREED, "NOT as many as in the file, 3"),
        (an_account(skipped=3), Balance(0, 0, 0), "NOT as in the file"),
        (an_account(SOLD), replace(AGREED, confirmed=999), "NOT as sold"),
        (an_account(SOLD), replace(AGREED, captured=2000), "NOT as sold"),
        (an_account(SOLD), replace(AGREED, provider=0), "NOT as sold"),
        (
            an_account(refused(a_planned_order(lines=2), "out of stock")),
            Balance(0, 0, 0),
            "failed: order 1 (536365): out of stock, although the stock is enough for all",
        ),
        (
            an_account(Result(a_planned_order(lines=2), Fate.FAILED, "reserved instead of paid")),
            AGREED,
            "failed: order 1 (536365): reserved instead of paid",
        ),
    ],
)
def test_an_account_that_does_not_balance_fails_and_says_what(
    account: Account, balance: Balance, statement: str
) -> None:
    console, output = a_console()

    assert not print_account(console, account, balance)
    assert statement in output.getvalue()


def test_audit_with_a_violation_fails_and_names_it() -> None:
    console, output = a_console()

    assert print_audit(console, [Check("I1", "stock adds up", 3)])
    assert "Audit passed." in output.getvalue()
    short = Finding("Product LAMP is short.", {"product": "7"})
    assert not print_audit(console, [Check("I1", "stock adds up", 3, [short], 1)])
    assert "I1 Product LAMP is short. (product 7)" in output.getvalue()
    assert output.getvalue().endswith("Audit failed.\n")
