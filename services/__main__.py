"""What an administrator types: `python -m services migrate | import-products | reconcile | user | token`."""

from __future__ import annotations

import dataclasses
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn
from uuid import UUID

import structlog
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import OperationalError

from services import db, migrate
from services.bootstrap import database_url
from services.catalog.files import UnreadableFile
from services.catalog.importing import BadRows, Incoming, read_incoming
from services.catalog.rows import MAX_STOCK
from services.catalog.service import CatalogService
from services.clock import Clock
from services.db import Sessions
from services.errors import Refused, Unavailable
from services.identity.access_tokens import MAX_INTERNAL_LIFETIME, AccessTokens
from services.identity.passwords import PasswordHasher
from services.identity.service import IdentityService
from services.identity.signing_keys import KEY_FILE, signing_keys
from services.identity.views import CallerKind, Scope
from services.reconcile import Check, check_tables
from services.reservations.service import ReservationService
from services.settings import Settings
from services.startup import read

#: How many bad rows are listed; the rest is counted.
LISTED = 50

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
user = typer.Typer(no_args_is_help=True, help="Switch accounts off and on.")
app.add_typer(user, name="user")


class MintedRole(StrEnum):
    """Who a token without a session may be for."""

    OPERATOR = "operator"
    SERVICE = "service"


@dataclass(frozen=True)
class Import:
    """How many products of a file are new, differ from before, and got their first stock."""

    products: int
    added: int
    changed: int
    stocked: int


def bring_in(catalog: CatalogService, reservations: ReservationService, incoming: Incoming) -> Import:
    """Write a file's products and stock; repeatable, and harmless wherever it is cut off.

    New products come in unseen, then their stock, and only then they are for sale: a crash leaves nothing that shows
    and cannot be bought, the catalog still counts as empty, and the same command again completes the work. (Stock
    first would leave rows of products that never come to be, since ids are made with the products.)
    """
    staged = catalog.import_products(incoming.drafts, hidden=True)
    stocked = reservations.add_stocks([(staged.ids[sku], units) for sku, units in incoming.stock.items()])
    shown = catalog.import_products(incoming.drafts)
    changed = (staged.changed | shown.changed) - staged.added
    return Import(len(incoming.drafts), len(staged.added), len(changed), stocked)


@app.command("migrate")
def migrate_schema() -> None:
    """Bring the database to the newest schema; safe to repeat, and from several processes at once."""
    with _sentences():
        migrate.to_head(database_url(_settings()))
    print("The schema is at its newest.")


@app.command()
def import_products(
    file: Annotated[Path, typer.Argument(help="Products (CSV or JSON) or a shop's invoices, gzipped or not.")],
    stock: Annotated[
        int | None, typer.Option(min=0, max=MAX_STOCK, help="Units of each product where the file names none.")
    ] = None,
    if_empty: Annotated[bool, typer.Option("--if-empty", help="Do nothing when there are products for sale.")] = False,
) -> None:
    """Bring in products and their first stock: all of a file or nothing, by SKU, safe to repeat.

    CSV columns: sku,name,price,currency,stock and, if wanted, description,attributes,isActive. JSON: a list of
    objects with these members. Stock that is there already is left as it is.
    """
    console = Console(stderr=True)
    with _sentences(), _opened() as sessions:
        catalog = CatalogService(sessions, Clock())
        if if_empty and not catalog.is_empty():
            print("The catalog is not empty: nothing was imported.")
            return
        with console.status("reading the file"):
            incoming = read_incoming(file, stock)
        with console.status(f"writing {len(incoming.drafts):,} products"):
            done = bring_in(catalog, ReservationService(sessions, Clock()), incoming)
    _tell(done, incoming)


@user.command()
def disable(user_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """End all sessions of a user and refuse new ones."""
    _switch(user_id, active=False)


@user.command()
def enable(user_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """Let a user sign in again."""
    _switch(user_id, active=True)


@app.command()
def token(
    role: Annotated[MintedRole, typer.Option(help="Who the token is for.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"Repeatable, or comma-separated; a service without any gets all of {', '.join(Scope)}."),
    ] = None,
    seconds: Annotated[int, typer.Option(min=60, max=MAX_INTERNAL_LIFETIME)] = MAX_INTERNAL_LIFETIME,
) -> None:
    """Print a bearer token without a session, for a service or an operator's scripts."""
    with _sentences():
        settings = _settings()
        if not settings.signing_key and not (settings.data_dir / KEY_FILE).exists():
            raise ValueError(
                f"No signing key: set SIGNING_KEY, or start the system once on DATA_DIR={settings.data_dir}"
            )
        keys = signing_keys(settings.signing_key, settings.data_dir, development=True)
        scopes = [Scope(word) for words in scope or [] for word in words.replace(",", " ").split()]
    if role is MintedRole.SERVICE and not scopes:
        scopes = [*Scope]
    print(AccessTokens(keys, Clock()).mint(CallerKind(role), scopes, seconds))


@app.command()
def reconcile(
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    lag: Annotated[float, typer.Option(help="Seconds that commands and messages may still be on their way.")] = 60,
) -> None:
    """Check in one snapshot of our tables what must always be true; exit 1 when something is broken."""
    with _sentences(), _opened() as sessions:
        checks = check_tables(sessions, lag)
    if as_json:
        report = [{**dataclasses.asdict(check), "holds": check.holds} for check in checks]
        print(json.dumps({"clean": all(check.holds for check in checks), "checks": report}, indent=2))
    else:
        _tell_checks(checks)
    if not all(check.holds for check in checks):
        sys.exit(1)


def _tell_checks(checks: Sequence[Check]) -> None:
    table = Table("", "must always be true", "looked at", "verdict")
    for check in checks:
        table.add_row(check.id, check.says, str(check.looked_at), "holds" if check.holds else "BROKEN")
    console = Console()
    console.print(table)
    for check in checks:
        for violation in check.violations:
            console.print(f"{check.id}: {violation}")


def _switch(user_id: UUID, *, active: bool) -> None:
    with _sentences(), _opened() as sessions, PasswordHasher() as passwords:
        IdentityService(sessions, passwords, Clock(), "RU").set_active(user_id, active)
    print("The user can sign in again." if active else "The user is disabled; every session has ended.")


def _settings() -> Settings:
    # Nothing here opens or seals a stored value, so the keys that production insists on are not asked for.
    return read(app_env="development")


@contextmanager
def _opened() -> Iterator[Sessions]:
    sessions = Sessions(db.connect(database_url(_settings()), pool_size=2))
    try:
        if not migrate.is_at_head(sessions):
            raise ValueError("The schema is not at its newest: run `python -m services migrate` first.")
        yield sessions
    finally:
        sessions.engine.dispose()


@contextmanager
def _sentences() -> Iterator[None]:
    """Whatever goes wrong that a person can put right is said in one sentence, without a traceback."""
    try:
        yield
    except BadRows as error:
        _list_bad(error)
    except (UnreadableFile, ValueError) as error:
        _stop(str(error), 2)
    except Refused as error:
        _stop(error.detail, 1)
    except (Unavailable, OperationalError):
        _stop("The database cannot be reached, or is busy: is it running, and DATABASE_URL right?", 1)


def _list_bad(error: BadRows) -> NoReturn:
    lines = [f"{row.place}: {row.reason}" for row in error.rows[:LISTED]]
    more = len(error.rows) - LISTED
    rest = [f"… and {more:,} more"] if more > 0 else []
    _stop("\n".join([*lines, *rest, f"Nothing was imported: {len(error.rows):,} rows are wrong."]), 2)


def _stop(sentence: str, code: int) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise typer.Exit(code)


def _tell(done: Import, incoming: Incoming) -> None:
    if incoming.skipped:
        _tell_skipped(incoming)
    if not (done.added or done.changed or done.stocked):
        print(f"Nothing changed: all {done.products:,} products are there as the file has them.")
        return
    same = done.products - done.added - done.changed
    print(
        f"{done.products:,} products: {done.added:,} new, {done.changed:,} changed, {same:,} as they were;"
        f" first stock for {done.stocked:,}."
    )


def _tell_skipped(incoming: Incoming) -> None:
    table = Table(title=f"{incoming.skipped.total():,} of {incoming.lines:,} lines were passed over")
    table.add_column("why")
    table.add_column("lines", justify="right")
    for reason, count in incoming.skipped.most_common():
        table.add_row(reason, f"{count:,}")
    Console().print(table)


def main() -> None:
    """Run one command; events of the services below a warning are not for this screen."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    app()


if __name__ == "__main__":
    main()
