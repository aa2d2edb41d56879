"""Checks the archived orders: I3, I4, I5 and I11, page by page, so that neither memory nor a statement grows."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from uuid import UUID

from services.archived_rows import archived
from services.db import Database
from services.errors import Unavailable
from services.reconcile.findings import LISTED, Check, Findings
from services.reconcile.scope import Deadline, Progress, Scope, reason_of
from services.reconcile.tables import INVARIANTS, LISTED_ROWS, findings_of

#: Orders that are checked in one state of the database.
PAGE = 5000
_CHECKED = [invariant for invariant in INVARIANTS if invariant.archive]
# Multiples of it, modulo 1, divide the archive evenly, however many there are.
_GOLDEN_RATIO = 0.6180339887498949

_PAGE = archived("SELECT id FROM orders.orders WHERE id > %(after)s AND id <= %(until)s ORDER BY id LIMIT %(limit)s")
_ENDS = archived(
    """
    SELECT (SELECT id FROM orders.orders ORDER BY id LIMIT 1) AS first,
           (SELECT id FROM orders.orders ORDER BY id DESC LIMIT 1) AS last, now() AS now
    """
)


def check_archive(
    database: Database,
    scope: Scope,
    *,
    deadline: Deadline,
    progress: Progress = lambda _: None,
    page: int = PAGE,
) -> list[Check]:
    """Check the archived orders, `page` at a time, for `scope.archive` seconds; nothing when there are none.

    With less time than all of them need, each hour's check begins elsewhere. What cannot be checked, because the
    database is away or the time of the whole check is over, says so in its result.
    """
    found = {invariant: Findings() for invariant in _CHECKED}
    orders, unchecked, ends = 0, None, time.monotonic() + scope.archive
    try:
        for after, last, count in pages(database, deadline, page):
            with database.snapshot(deadline.left()) as tx:
                values = {"lag": scope.lag, "after": after, "last": last, "listed": LISTED}
                for invariant in _CHECKED:
                    rows = tx.fetch_all(LISTED_ROWS.format(invariant.archive), values)
                    found[invariant].add_counted(*findings_of(rows, invariant.sentence))
            orders += count
            progress(f"{orders:,} archived orders checked")
            if time.monotonic() >= ends:
                break
    except Unavailable as trouble:
        unchecked = reason_of(trouble)
    if not orders and unchecked is None:
        return []
    return [
        found[invariant].as_check(invariant.id, f"{invariant.description} (archive)", orders, unchecked)
        for invariant in _CHECKED
    ]


def pages(database: Database, deadline: Deadline, limit: int) -> Iterator[tuple[UUID, UUID, int]]:
    """The id before each page, the last one of it, and how many orders it has; every order once."""
    with database.snapshot(deadline.left()) as tx:
        ends = tx.fetch_one(_ENDS)
    if ends.first is None:
        return
    start = beginning(ends.first, ends.last, int(ends.now.timestamp()) // 3600)
    for begin, until in ((start, ends.last), (UUID(int=ends.first.int - 1), start)):
        after = begin
        while ids := _next(database, deadline, {"after": after, "until": until, "limit": limit}):
            yield after, ids[-1], len(ids)
            after = ids[-1]


def _next(database: Database, deadline: Deadline, values: Mapping[str, object]) -> list[UUID]:
    with database.snapshot(deadline.left()) as tx:
        return tx.fetch_column(_PAGE, values)


def beginning(first: UUID, last: UUID, hour: int) -> UUID:
    """The id after which the check of an hour begins, of those from `first` to `last`."""
    return UUID(int=first.int - 1 + int((last.int - first.int) * (hour * _GOLDEN_RATIO % 1)))
