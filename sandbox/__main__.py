"""`python -m sandbox`: the whole system on this machine."""

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
from sandbox.supervisor import say

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def sandbox() -> None:
    """The whole system on this machine: PostgreSQL, Temporal, a payment provider, mail and SMS, workers and API."""


@app.command()
def up(
    application: Annotated[bool, typer.Option(help="Also start the workers and the API.")] = True,
    separate: Annotated[bool, typer.Option(help="Workers and API as processes of their own.")] = False,
) -> None:
    """Start everything and keep it running until Ctrl-C."""
    settings = StackSettings.from_environment(os.environ)
    run(Stack(replace(settings, application=application, separate=separate)))


@app.command()
def demo(
    orders: Annotated[int | None, typer.Option(envvar="DEMO_ORDERS", min=1, help="Only so many invoices.")] = None,
) -> None:
    """Replay a day of a real shop's orders on a fresh stack, then say whether everything adds up."""
    with interrupt_on_signals():
        sys.exit(replay_day(orders))


def run(stack: Stack) -> None:
    """Start, say where everything is, watch, and stop at the first signal. Raises CannotStart."""
    with interrupt_on_signals():
        try:
            stack.start()
            say(f"Ready. Data in {stack.settings.data_dir}, Ctrl-C stops.\n\n{stack.addresses.table()}\n")
            stack.watch()
        except KeyboardInterrupt:
            say("Stopping.")
        finally:
            ignore_signals()
            stack.stop()


def main() -> None:
    """Run the command; what cannot start is one sentence and exit code 1."""
    try:
        app()
    except CannotStart as problem:
        sys.exit(f"sandbox: {problem}")


if __name__ == "__main__":
    main()
