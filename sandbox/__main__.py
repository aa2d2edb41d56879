"""`python -m sandbox`: runs the whole system on this machine."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sandbox.addresses import ADDRESSES_FILE
from sandbox.backup import Backups, Part
from sandbox.demo.run import demo as replay
from sandbox.errors import CannotStart
from sandbox.layout import STOCK
from sandbox.settings import StackSettings
from sandbox.signals import ignore_signals, interrupt_on_signals
from sandbox.stack import Stack
from sandbox.supervisor import print_line
from services.catalog.files import UnreadableFile
from services.catalog.rows import MAX_STOCK

FIRST_STEPS = """
Put something into the basket, sign in with one click or register with any address, and choose a test card:
tok_succeeds pays at once; tok_answers_later_20 waits for 20 s, so that you can cancel and see the money come back.
The operator finds both orders on the desk: sign in there with one click too, which also types the code of the second
factor. Every other address is in {addresses}.
"""

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def sandbox() -> None:
    """Run the whole system on this machine: PostgreSQL, Temporal, payment, mail and SMS stand-ins, workers and API."""


@app.command()
def up(
    application: Annotated[bool, typer.Option(help="Also start the workers and the API.")] = True,
    separate: Annotated[bool, typer.Option(help="Run the workers and the API in separate processes.")] = False,
) -> None:
    """Start everything and keep it running until Ctrl-C."""
    settings = StackSettings.from_environment(os.environ)
    run(Stack(replace(settings, application=application, separate=separate, accounts=True)))


@app.command()
def demo(
    file: Annotated[
        Path | None,
        typer.Option(
            help="Invoices to replay (CSV, gzipped or not, columns as in sandbox/data), instead of the shipped day."
        ),
    ] = None,
    stock: Annotated[
        int, typer.Option(min=0, max=MAX_STOCK, help="Units of each product; orders beyond that are refused.")
    ] = STOCK,
    orders: Annotated[
        int | None, typer.Option(envvar="DEMO_ORDERS", min=1, help="Use only the first N invoices.")
    ] = None,
) -> None:
    """Replay the orders of a real shop on a new stack, and check the result.

    Every line is accounted for, and every penny compared with the shop's ledger and the payment provider's.

    Every tenth invoice is paid with a card that is declined; those that start with C are cancelled orders.

    After the shipped day, one order is placed with each test card; after another file, the reconciler runs.

    Exits with 0 when everything agrees, and with 1 otherwise.
    """
    with interrupt_on_signals():
        sys.exit(replay(file, stock, orders))


@app.command()
def backup(folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")]) -> None:
    """Write the database, Temporal's store and the secrets of DATA_DIR into a folder, also while the system runs.

    The folder has secrets and personal data: only its owner may read it.
    """
    Backups(StackSettings.from_environment(os.environ)).backup(folder)
    print_line(f"The backup is in {folder.resolve()}. It has secrets: keep it where only you can read it.")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that `backup` wrote.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the data in DATA_DIR.")] = False,
    only: Annotated[Part | None, typer.Option(help="Restore one store, and leave the other as it is.")] = None,
) -> None:
    """Put a backup into DATA_DIR. The system must not be running."""
    settings = StackSettings.from_environment(os.environ)
    Backups(settings).restore(folder, tuple(Part) if only is None else (only,), force=force)
    print_line(f"{settings.data_dir} is restored. Start the system, then run: python -m services reconcile --repair")


def run(stack: Stack) -> None:
    """Start the stack and print its addresses; restart failed components until a signal arrives. Raises CannotStart."""
    with interrupt_on_signals():
        try:
            stack.start()
            print_line(f"Ready. Data is in {stack.settings.data_dir}. Press Ctrl-C to stop.\n\n{_first_minute(stack)}")
            stack.watch()
        except KeyboardInterrupt:
            print_line("Stopping.")
        finally:
            ignore_signals()
            stack.stop()


def _first_minute(stack: Stack) -> str:
    """Where to look first; every address when there are no pages to look at."""
    if stack.addresses.web is None:
        return f"{stack.addresses.table()}\n"
    accounts = f"\n{stack.accounts.table()}\n" if stack.accounts else ""
    steps = FIRST_STEPS.format(addresses=stack.settings.data_dir / ADDRESSES_FILE)
    return f"{stack.addresses.pages()}\n{accounts}{steps}"


def main() -> None:
    """Run the command; print an error that a person can mend as one sentence and exit with 1."""
    try:
        app()
    except (CannotStart, UnreadableFile) as problem:
        sys.exit(f"sandbox: {problem}")


if __name__ == "__main__":
    main()
