"""`deployment`: the builds of versioned workers (WORKER_BUILD_ID)."""

from __future__ import annotations

from typing import Annotated

import typer

from services.commands.temporal import set_current_build, worker_builds
from services.commands.terminal import errors_as_messages, read_temporal, say

app = typer.Typer(no_args_is_help=True, help=__doc__)

Wait = Annotated[float, typer.Option(min=0, help="Seconds to wait for a worker of the build.")]


@app.command("set-current")
def set_current(
    build: Annotated[str, typer.Argument(help="The WORKER_BUILD_ID of workers that run.")], wait: Wait = 60
) -> None:
    """Send new orders to the workers of a build; open ones end on the build that began them."""
    with errors_as_messages():
        set_current_build(read_temporal(), build, wait)
    say(f"Build {build} is the current one: new orders begin on it.")


@app.command()
def show() -> None:
    """List the builds, the current one first: its status, whether a worker of it runs, and its open orders and refunds.

    Workers of a build that is not the current one may be stopped when nothing is open on it.
    """
    with errors_as_messages():
        builds = worker_builds(read_temporal())
    for build, pinned in builds:
        worker = "has a worker" if build.has_worker else "no worker"
        say(f"{build.build_id}  {build.status}  {worker}  {pinned:,} open")
    if not builds:
        say("No worker is versioned (WORKER_BUILD_ID).")
