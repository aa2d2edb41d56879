"""The form of an invariant: what it counts, what violates it, and the sentence that says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from services.archived_rows import archived

#: A condition of SQL on a column that has the id of an order.
Within = Callable[[str], str]


@dataclass(frozen=True)
class Invariant:
    """`rows` is SQL that counts what is checked, `violations` SQL that selects a row for each violation.

    Both get `%(lag)s`, `%(grace)s` and `%(since)s` in seconds. `sentence` is a template over the columns of
    `violations` (see `findings.finding_of`). `archive`: the violations among the archived orders after `%(after)s`,
    until `%(last)s`; None when `violations` reads the archive itself, or what it reads is not archived.
    """

    id: str
    description: str
    rows: str
    violations: str
    sentence: str
    archive: str | None = None


def any_order(_: str) -> str:
    """Every order."""
    return "true"


def in_archive(statement: Callable[[Within], str]) -> str:
    """The statement over the archived orders after `%(after)s`, until `%(last)s`."""
    return archived(statement(lambda column: f"({column} > %(after)s AND {column} <= %(last)s)"))
