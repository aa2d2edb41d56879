"""`python -m sandbox`: runs the whole system on this machine."""

import os
import sys
from dataclasses import replace
from typing import Annotated

import typer

from sandbox.demo.run import demo as replay_day
from sandbox.errors import CannotStart
from sandbox.settings import StackSettings
from sandbox.signals import ignore_signals, interrupt_on_signals
from sandbox.stack import Stack
from sandbox.supervisor import print_line

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
    run(Stack(replace(settings, application=application, separate=separate)))


@app.command()
def demo(
    orders: Annotated[
        int | None, typer.Option(envvar="DEMO_ORDERS", min=1, help="Use only the first N invoices.")
    ] = None,
) -> None:
    """Replay one day of a real shop's orders on a new stack and audit the result."""
    with interrupt_on_signals():
        sys.exit(replay_day(orders))


def run(stack: Stack) -> None:
    """Start the stack and print its addresses; restart failed components until a signal arrives. Raises CannotStart."""
    with interrupt_on_signals():
        try:
            stack.start()
            print_line(
                f"Ready. Data is in {stack.settings.data_dir}. Press Ctrl-C to stop.\n\n{stack.addresses.table()}\n"
            )
            stack.watch()
        except KeyboardInterrupt:
            print_line("Stopping.")
        finally:
            ignore_signals()
            stack.stop()


def main() -> None:
    """Run the command; print CannotStart as one sentence and exit with 1."""
    try:
        app()
    except CannotStart as problem:
        sys.exit(f"sandbox: {problem}")


if __name__ == "__main__":
    main()
