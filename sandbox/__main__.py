"""`python -m sandbox`: runs the whole system on this machine."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from sandbox.addresses import ADDRESSES_FILE
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
The operator finds both orders on the desk. Every other address is in {addresses}.
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
