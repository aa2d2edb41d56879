"""Administration commands: `python -m services migrate | import-products | reconcile | user | token`."""

from __future__ import annotations

import logging
import sys

import structlog
import typer

from services import migrate
from services.bootstrap import database_url
from services.commands import users
from services.commands.import_products import import_products
from services.commands.reconcile import reconcile
from services.commands.terminal import errors_as_messages, read_settings
from services.commands.token import token

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(users.app, name="user")
app.command()(import_products)
app.command()(token)
app.command()(reconcile)


@app.command("migrate")
def migrate_schema() -> None:
    """Migrate the database to the newest schema; safe to repeat, and to run from several processes at once."""
    with errors_as_messages():
        migrate.to_head(database_url(read_settings()))
    print("The schema is current.")


def main() -> None:
    """Run one command; events below a warning are not printed."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    app()


if __name__ == "__main__":
    main()
