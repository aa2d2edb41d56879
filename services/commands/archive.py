"""`archive`: moves old orders out of the tables that orders are written to; every read still finds them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import typer

from services.archive.archive import BATCH, OrderArchive
from services.commands.order_lookup import find_order, number_of, order_service
from services.commands.terminal import errors_as_messages, open_database, progress_bar, say
from services.db import Database
from services.money import Money

Before = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d"], help="Orders whose rows have not changed since this day (UTC).", show_default=False
    ),
]


def archive(
    before: Before = None,
    restore: Annotated[
        str | None, typer.Option(metavar="NUMBER|ID", help="Move one order back instead.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the orders, and move nothing.")] = False,
    batch: Annotated[int, typer.Option(min=1, max=5000, help="Orders that one transaction looks at.")] = BATCH,
) -> None:
    """Move closed orders into the archive, oldest first, or one back. Can be interrupted and run again at any time.

    Examples: `archive --before 2026-01-01 --dry-run`; `archive --restore 9F3A-21C4`.
    """
    if (before is None) == (restore is None):
        raise typer.BadParameter("Give either --before DATE or --restore NUMBER.")
    with errors_as_messages(), open_database() as database:
        if restore is not None:
            _restore(database, restore)
        elif before is not None:
            run = _count if dry_run else _move
            run(OrderArchive(database), before.replace(tzinfo=UTC), batch)


def _restore(database: Database, name: str) -> None:
    order = find_order(order_service(database), name)
    moved = OrderArchive(database).bring_back(order.id)
    say(f"Order {number_of(order)} {'was moved back.' if moved else 'is not in the archive.'}")


def _count(archive: OrderArchive, before: datetime, batch: int) -> None:
    archive.check(before)
    total, after = 0, None
    with progress_bar("counted") as show:
        while True:
            found, after = archive.count(before, after, batch)
            total += found
            show(total)
            if after is None:
                break
    say(f"{total:,} orders would be archived.")


def _move(archive: OrderArchive, before: datetime, batch: int) -> None:
    total, kept, after = 0, Counter[str](), None
    with progress_bar("archived") as show:
        while True:
            moved = archive.move_batch(before, after, batch)
            if moved.last is None:
                break
            total, after = total + moved.orders, moved.last
            kept.update(moved.kept_minor)
            show(total)
    money = ", ".join(f"{Money(minor, currency).text} {currency}" for currency, minor in sorted(kept.items()))
    say(f"{total:,} orders were archived{f', with {money} in the ledger' if money else ''}.")
