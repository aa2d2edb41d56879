"""The tables that the demo prints, and what they return."""

from __future__ import annotations

import io

from rich.console import Console

from sandbox.demo.invoices import Day, Outcome, PlannedOrder
from sandbox.demo.tables import print_audit, print_card_results, print_totals
from services.reconcile import Check
from tests.sandbox.demo.builders import CANCELLED, PAID, a_charge, a_result, an_order

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


def test_totals_fail_when_an_order_is_not_as_planned() -> None:
    planned = PlannedOrder("536365", "17850", {"85123A@2.55": 1}, 1000, Outcome.PAID, "card")
    day = Day([planned], goods_total=1000, unknown_cancellations=0)
    console, output = a_console()

    assert print_totals(console, day, [(planned, an_order("confirmed"))], 1.0)
    assert not print_totals(console, day, [(planned, an_order("cancelled"))], 1.0)
    assert "not as planned: order-1 (536365): cancelled, 10.00" in output.getvalue()


def test_audit_with_a_violation_fails_and_names_it() -> None:
    console, output = a_console()

    assert print_audit(console, [Check("I1", "stock adds up", 3)])
    assert "Audit passed." in output.getvalue()
    assert not print_audit(console, [Check("I1", "stock adds up", 3, ["product 7"])])
    assert "I1 product 7" in output.getvalue()
    assert output.getvalue().endswith("Audit failed.\n")
