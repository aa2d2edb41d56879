"""The stored results: of complete checks only, one an invariant; what is violated is logged."""

from __future__ import annotations

from structlog.testing import capture_logs

from services.db import Database
from services.reconcile.findings import Check, Finding
from services.reconcile.reconciler import Report
from services.reconcile.results import InvariantResults


def latest(results: InvariantResults) -> dict[str, int]:
    return {result.invariant: result.violations for result in results.latest()}


def test_the_violations_of_an_invariant_are_summed_and_replaced(database: Database) -> None:
    results = InvariantResults(database)
    results.store(Report([Check("I4", "money", 9, [], 2), Check("I4", "goods", 9, [], 40), Check("I1", "stock", 3)]))
    assert latest(results) == {"I1": 0, "I4": 42}
    before = {result.invariant: result.checked_at for result in results.latest()}
    results.store(Report([Check("I4", "money"), Check("I4", "goods", 9, [], 1)]))
    assert latest(results) == {"I1": 0, "I4": 1}
    after = {result.invariant: result.checked_at for result in results.latest()}
    assert (after["I4"] > before["I4"], after["I1"]) == (True, before["I1"])


def test_an_incomplete_check_leaves_the_last_result(database: Database) -> None:
    results = InvariantResults(database)
    results.store(Report([Check("I13", "payments", 9, [], 5), Check("I13", "refunds")]))
    results.store(Report([Check("I13", "payments"), Check("I13", "refunds", unchecked="The provider is away.")]))
    assert latest(results) == {"I13": 5}


def test_violations_and_what_was_not_checked_are_logged(database: Database) -> None:
    found = Finding("Order D85C-76C2 is reserved, but it has no workflow.", {"order": "1"})
    checks = [Check("I7", "workflows", 1, [found], 1), Check("I13", "payments", unchecked="The provider is away.")]
    with capture_logs() as logs:
        InvariantResults(database).store(Report(checks))
    assert logs == [
        {
            "event": "reconcile.violated",
            "log_level": "error",
            "invariant": "I7",
            "sentence": found.sentence,
            "ids": {"order": "1"},
        },
        {
            "event": "reconcile.unchecked",
            "log_level": "warning",
            "invariant": "I13",
            "reason": "The provider is away.",
        },
    ]
