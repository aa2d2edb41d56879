"""`python -m tests.soak`: orders while processes are killed and an operator acts, from a seed that repeats it."""

from __future__ import annotations

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from sandbox.errors import CannotStart
from sandbox.signals import interrupt_on_signals
from sandbox.supervisor import print_line
from tests.soak.plan import Plan
from tests.soak.run import soak

SEEDS = 2**31

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    seed: Annotated[int | None, typer.Option(help="Repeats the plan of an earlier run; random when not given.")] = None,
    seconds: Annotated[float, typer.Option(min=10, max=7200, help="How long orders arrive and faults begin.")] = 300,
    rate: Annotated[float, typer.Option(min=0.05, max=20, help="Orders a second, on average.")] = 1.0,
) -> None:
    """Run the system under faults and check that tables, ledger and inbox agree; exits with 1 otherwise.

    The plan is the same for the same options. The moments at which processes react are not, so that a violation may
    need several runs with its seed.
    """
    plan = Plan.of(secrets.randbelow(SEEDS) if seed is None else seed, seconds, rate)
    folder = Path(tempfile.mkdtemp(prefix="market-soak-"))
    try:
        with interrupt_on_signals():
            found = soak(plan, folder, print_line).violations
    except (CannotStart, KeyboardInterrupt) as problem:
        shutil.rmtree(folder)
        sys.exit(f"soak: {str(problem) or 'interrupted'}")
    if found:
        sys.exit(
            f"soak: {len(found)} violations with --seed {plan.seed} --seconds {seconds:g} --rate {rate:g}: {folder}"
        )
    shutil.rmtree(folder)
    print_line(f"No violations with seed {plan.seed}.")


if __name__ == "__main__":
    app()
