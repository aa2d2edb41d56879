"""`python -m sandbox.standins`: runs the stand-ins on this machine until SIGTERM or Ctrl-C."""

import json
import os
import signal
import socket
import sys

import uvicorn

from sandbox.standins.app import Sockets, StandInServers
from sandbox.standins.connections import DroppableProtocol
from sandbox.standins.settings import Settings, read_settings


class Server(uvicorn.Server):
    """uvicorn that prints its addresses when it is ready and ends hanging requests before it shuts down."""

    def __init__(self, config: uvicorn.Config, stand_ins: StandInServers) -> None:
        super().__init__(config)
        self.stand_ins = stand_ins

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Print the addresses as one line of JSON once every server accepts connections."""
        await super().startup(sockets)
        listening = self.stand_ins.sockets
        print(json.dumps({"url": listening.url, "smtpPort": listening.smtp_port}), flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End requests that a test card left hanging, so that the shutdown does not wait for them."""
        self.stand_ins.closing.set()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then exit with 0. Raises OSError when a port is in use."""
    os.umask(0o077)  # the inbox contains login codes and password reset links
    # After its graceful shutdown uvicorn raises the signal again; without this handler the exit code would not be 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    sockets = Sockets(
        socket.create_server((settings.host, settings.http_port)),
        socket.create_server((settings.host, settings.smtp_port)),
    )
    stand_ins = StandInServers(settings, sockets)
    config = uvicorn.Config(
        stand_ins.app(),
        http=DroppableProtocol,
        ws="none",
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    Server(config, stand_ins).run([sockets.http])


if __name__ == "__main__":
    serve(read_settings())
