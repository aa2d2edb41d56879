"""HTTP connections that can end without an answer, as a network does it."""

import asyncio

from starlette.requests import Request
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

DROP = "sandbox.drop"


class DroppableProtocol(HttpToolsProtocol):
    """uvicorn's own, which lets the application cut the connection of a request."""

    def on_message_begin(self) -> None:
        """Puts the means to cut the connection into the request's scope."""
        super().on_message_begin()
        self.scope["extensions"] = {DROP: {"drop": self.transport.abort}}


async def drop(scope: Scope, receive: Receive) -> None:
    """Cuts the connection of a request: the client sees a reset, no byte of an answer."""
    scope["extensions"][DROP]["drop"]()
    await _until_gone(receive)


async def hang(request: Request, seconds: float, closing: asyncio.Event) -> None:
    """Leaves a request unanswered until its client gives up, `seconds` pass or the server closes; then cuts it."""
    waits = [asyncio.create_task(_until_gone(request.receive)), asyncio.create_task(closing.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    await drop(request.scope, request.receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
