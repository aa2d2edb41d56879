"""The neighbours put together: one HTTP application, the mail server beside it, and what they do of themselves."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from sandbox.standins.controls import Controls
from sandbox.standins.inbox import messages
from sandbox.standins.inbox.messages import Inbox
from sandbox.standins.inbox.sms import SmsApi
from sandbox.standins.inbox.smtp import serve_mail
from sandbox.standins.outage import Outages, Reachable
from sandbox.standins.pages import Pages
from sandbox.standins.provider import idempotence, ledger, scheduler
from sandbox.standins.provider.http_api import PaymentsApi
from sandbox.standins.provider.provider import Provider
from sandbox.standins.provider.webhook_controls import WebhookControls
from sandbox.standins.provider.webhooks import Webhooks
from sandbox.standins.settings import Settings
from sandbox.standins.storage import open_database

PROVIDER_SCHEMA = ledger.SCHEMA + idempotence.SCHEMA + scheduler.SCHEMA


@dataclass(frozen=True)
class Sockets:
    """Where the neighbours listen, bound already: their ports are known before anything is served."""

    http: socket.socket
    smtp: socket.socket

    @property
    def url(self) -> str:
        """The address of everything that speaks HTTP."""
        return f"http://127.0.0.1:{self.http.getsockname()[1]}"

    @property
    def smtp_port(self) -> int:
        """The port of the mail server."""
        return int(self.smtp.getsockname()[1])


class StandInServers:
    """The parts, wired; `closing` is set when the process is about to end."""

    def __init__(self, settings: Settings, sockets: Sockets) -> None:
        self.sockets = sockets
        self.closing = asyncio.Event()
        self.outages = Outages()
        self.books = open_database(settings.data_dir, "provider.sqlite", PROVIDER_SCHEMA)
        self.mailbox = open_database(settings.data_dir, "inbox.sqlite", messages.SCHEMA)
        self.inbox = Inbox(self.mailbox)
        self.webhooks = Webhooks(self.books, settings, self.outages)
        self.provider = Provider(self.books, settings, self.webhooks, f"{sockets.url}/confirm")
        self.ready = False

    def app(self) -> ASGIApp:
        """The HTTP application; its lifespan runs the rest."""
        routes = [
            *PaymentsApi(self.provider, self.closing).routes(),
            *SmsApi(self.inbox).routes(),
            *Controls(self.inbox, self.provider.ledger, self.outages).routes(),
            *WebhookControls(self.webhooks).routes(),
            *Pages(self.inbox, self.provider).routes(),
            Route("/readyz", self._readyz),
        ]
        return Reachable(Starlette(routes=routes, lifespan=self._lifespan), self.outages)

    async def _readyz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok" if self.ready else "starting"}, 200 if self.ready else 503)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        mail = await serve_mail(self.sockets.smtp, self.inbox, self.outages)
        agendas = (self.provider.endings, self.webhooks.native, self.webhooks.signed)
        running = [asyncio.create_task(part.run()) for part in agendas]
        self.ready = True
        try:
            yield
        finally:
            mail.close()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await self.webhooks.client.aclose()
            self.books.close()
            self.mailbox.close()
