"""`python -m api`: the api as a process of its own; orders are taken also while Temporal is away."""

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop
from temporalio.client import Client
from temporalio.service import GrpcCompression

from api.app import create_app
from api.server import make_server
from services import bootstrap, logs
from services.settings import Settings
from workflows.client import OrderCommands


def main() -> int:
    """Serve until SIGTERM; exit 2 when a setting is missing or wrong."""
    try:
        settings = Settings()
        bootstrap.database_url(settings)
    except ValueError as error:
        print(f"api: {error}", file=sys.stderr)  # noqa: T201
        return 2
    logs.set_up(settings)
    uvloop.run(_serve(settings))
    return 0


async def _serve(settings: Settings) -> None:
    client = await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key,
        tls=settings.temporal_tls or bool(settings.temporal_api_key),
        grpc_compression=GrpcCompression.NONE,
        lazy=True,
    )
    house = bootstrap.build(settings, starter=OrderCommands(client))
    server = make_server(create_app(house), settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, setattr, server, "should_exit", True)
    try:
        await server.serve()
    finally:
        house.close()


if __name__ == "__main__":
    sys.exit(main())
