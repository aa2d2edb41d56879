"""Stores the result of each invariant, so that every process can show it, and logs what is violated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog

from services.db import Database, retried
from services.reconcile.findings import Check
from services.reconcile.reconciler import Report

log = structlog.get_logger(__name__)

_STORE = """
    INSERT INTO reconcile.results (invariant, violations)
    SELECT * FROM unnest(cast(%(invariants)s AS text[]), cast(%(violations)s AS bigint[]))
    ON CONFLICT (invariant) DO UPDATE SET violations = excluded.violations, checked_at = now()
    """
_LATEST = "SELECT invariant, violations, checked_at FROM reconcile.results ORDER BY invariant"


@dataclass(frozen=True)
class Result:
    """How often an invariant was violated at a time (UTC)."""

    invariant: str
    violations: int
    checked_at: datetime


class InvariantResults:
    """The last result of each invariant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store(self, report: Report) -> None:
        """Store what was checked in full, and log every listed violation. Raises Unavailable."""
        for check in report.checks:
            _log(check)
        self._store(report)

    def latest(self) -> list[Result]:
        """The last result of each invariant that was ever checked in full. Raises Unavailable."""
        return self._database.fetch_all(_LATEST, into=Result)

    @retried
    def _store(self, report: Report) -> None:
        incomplete = {check.id for check in report.checks if check.unchecked is not None}
        counts = {check.id: 0 for check in report.checks if check.id not in incomplete}
        for check in report.checks:
            if check.id in counts:
                counts[check.id] += check.violated
        self._database.execute(_STORE, {"invariants": list(counts), "violations": list(counts.values())})


def _log(check: Check) -> None:
    if check.unchecked is not None:
        log.warning("reconcile.unchecked", invariant=check.id, reason=check.unchecked)
    for found in check.violations:
        log.error("reconcile.violated", invariant=check.id, sentence=found.sentence, ids=dict(found.ids))
