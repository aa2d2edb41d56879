"""HTTP connections that can be closed without a response, to simulate network failures."""

import asyncio

from starlette.requests import Request
from starlette.types import Receive, Scope

from api.protocol import BoundedProtocol

DROP = "sandbox.drop"


class DroppableProtocol(BoundedProtocol):
    """The protocol of the API; it lets the application abort the connection of a request."""

    def on_message_begin(self) -> None:
        """Add a function that aborts the connection to the request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {DROP: {"drop": self.transport.abort}}


async def drop(scope: Scope, receive: Receive) -> None:
    """Abort the connection of a request: the client sees a reset and receives no byte."""
    scope["extensions"][DROP]["drop"]()
    await _wait_for_disconnect(receive)


async def hang(request: Request, seconds: float, closing: asyncio.Event) -> None:
    """Send no response until the client disconnects, `seconds` pass or the server closes; then abort the connection."""
    waits = [asyncio.create_task(_wait_for_disconnect(request.receive)), asyncio.create_task(closing.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    await drop(request.scope, request.receive)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
