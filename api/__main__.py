"""`python -m api`: the api as a process of its own; orders are taken also while Temporal is away."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop

from api.app import create_app
from api.server import make_server
from services.bootstrap import Services
from services.startup import start
from workflows.client import connect
from workflows.order_commands import OrderCommands


def main() -> int:
    """Serve until SIGTERM; exit 2 when a setting is missing or wrong."""
    with start("api") as services:
        uvloop.run(_serve(services))
    return 0


async def _serve(services: Services) -> None:
    starter = OrderCommands(await connect(services.settings, lazy=True))
    server = make_server(create_app(services, starter), services.settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
    await server.serve()


if __name__ == "__main__":
    sys.exit(main())
