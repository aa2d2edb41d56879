"""Administration commands, `python -m services COMMAND`; docs/operations.md has one for each situation."""

from __future__ import annotations

import logging
import sys

import structlog
import typer

from services import migrate
from services.bootstrap import direct_url
from services.commands import deployment, orders, personal_data, token, users, webhooks
from services.commands.archive import archive
from services.commands.attention import attention
from services.commands.export_products import export_products
from services.commands.import_products import import_products
from services.commands.lost_payments import lost_payments
from services.commands.reconcile import reconcile
from services.commands.settings import settings
from services.commands.terminal import errors_as_messages, read_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(orders.app, name="order")
users.app.registered_commands += personal_data.app.registered_commands
app.add_typer(users.app, name="user")
app.add_typer(token.app, name="token")
app.add_typer(deployment.app, name="deployment")
app.add_typer(webhooks.app, name="webhooks")
app.command()(import_products)
app.command()(export_products)
app.command()(archive)
app.command()(attention)
app.command()(reconcile)
app.command()(lost_payments)
app.command()(settings)


@app.command("migrate")
def migrate_schema() -> None:
    """Migrate the database to the newest schema; safe to repeat, and to run from several processes at once."""
    with errors_as_messages():
        state = migrate.to_head(direct_url(read_settings()))
    print("The schema is current." if state == "current" else "The schema is of a later version: nothing to do.")


def main() -> None:
    """Run one command; events below a warning are not printed."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    # The job that --repair runs logs each order; the command prints how many.
    logging.getLogger("temporalio.activity").setLevel(logging.ERROR)
    app()


if __name__ == "__main__":
    main()
