"""The form of an invariant: what it counts, what violates it, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Invariant:
    """`rows` is SQL that counts what is checked, `violations` SQL that selects a row for each violation.

    Both get `%(lag)s`, `%(grace)s` and `%(since)s` in seconds. `sentence` is a template over the columns of
    `violations` (see `findings.finding_of`).
    """

    id: str
    description: str
    rows: str
    violations: str
    sentence: str
