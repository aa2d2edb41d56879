"""`python -m sandbox.standins`: serves the neighbours, on this machine only, until SIGTERM or Ctrl-C."""

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
    """uvicorn that says where it listens, and lets go of open requests before it waits for them."""

    def __init__(self, config: uvicorn.Config, stand_ins: StandInServers) -> None:
        super().__init__(config)
        self.stand_ins = stand_ins

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Prints the addresses as one line of JSON once everything answers."""
        await super().startup(sockets)
        where = self.stand_ins.sockets
        print(json.dumps({"url": where.url, "smtpPort": where.smtp_port}), flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Ends scripted hangs at once: nobody is to wait for them."""
        self.stand_ins.closing.set()
        await super().shutdown(sockets)


def serve(settings: Settings) -> None:
    """Runs until told to stop, then exits with 0. Raises OSError when a port is taken."""
    os.umask(0o077)  # the inbox holds codes and links that let people in
    # uvicorn ends in order first, then raises the signal again; without this the exit would look like a crash.
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
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    Server(config, stand_ins).run([sockets.http])


if __name__ == "__main__":
    serve(read_settings())
