"""`python -m api`: the api as a process of its own; orders are taken also while Temporal is away."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

import uvloop

from api.app import create_app
from api.server import make_server
from services import exhaustion
from services.bootstrap import Services
from services.parts import Part
from services.startup import start
from workflows.client import connect, tracing_plugins
from workflows.order_commands import OrderCommands
from workflows.order_retries import OrderRetries


def main() -> int:
    """Serve until SIGTERM; exit 2 when a setting is missing or wrong, or for an argument."""
    parser = argparse.ArgumentParser(
        prog="python -m api",
        description=__doc__,
        epilog="It takes no arguments: the environment has its settings, such as API_PORT (docs/settings.md).",
    )
    parser.parse_args()
    with start("api", {Part.API}) as services:
        uvloop.run(_serve(services))
    return 0


async def _serve(services: Services) -> None:
    plugins = tracing_plugins(services.settings, "api")
    client = await connect(services.settings, lazy=True, plugins=plugins)
    starter = OrderCommands(client, runbook=services.settings.runbook_url)
    retries = OrderRetries(lambda: starter, services.order_recovery, services.order_transitions)
    server = make_server(create_app(services, starter, retries), services.settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, server.stop)
    async with exhaustion.watched():
        await server.serve()


if __name__ == "__main__":
    sys.exit(main())
