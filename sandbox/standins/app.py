"""The stand-ins wired together: one HTTP application, a mail server, and the background schedulers."""

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

from sandbox.standins.browser_guard import BrowserGuard
from sandbox.standins.controls import Controls
from sandbox.standins.inbox import messages
from sandbox.standins.inbox.messages import Inbox
from sandbox.standins.inbox.sms import SmsApi
from sandbox.standins.inbox.smtp import serve_mail
from sandbox.standins.outage import OutageMiddleware, Outages
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
    """The listening sockets of the stand-ins, bound before the servers start so that the ports are known."""

    http: socket.socket
    smtp: socket.socket

    @property
    def url(self) -> str:
        """The base URL of the HTTP application."""
        return f"http://127.0.0.1:{self.http.getsockname()[1]}"

    @property
    def smtp_port(self) -> int:
        """The port of the mail server."""
        return int(self.smtp.getsockname()[1])


class StandInServers:
    """The stand-ins and their databases; `closing` is set when the process starts to shut down."""

    def __init__(self, settings: Settings, sockets: Sockets) -> None:
        self.sockets = sockets
        self.names = settings.names
        self.closing = asyncio.Event()
        self.outages = Outages()
        self.provider_db = open_database(settings.data_dir, "provider.sqlite", PROVIDER_SCHEMA)
        self.inbox_db = open_database(settings.data_dir, "inbox.sqlite", messages.SCHEMA)
        self.inbox = Inbox(self.inbox_db)
        self.webhooks = Webhooks(self.provider_db, settings, self.outages)
        self.provider = Provider(self.provider_db, settings, self.webhooks, f"{sockets.url}/confirm")
        self.ready = False

    def app(self) -> ASGIApp:
        """The HTTP application; its lifespan runs the mail server and the schedulers."""
        routes = [
            *PaymentsApi(self.provider, self.closing).routes(),
            *SmsApi(self.inbox).routes(),
            *Controls(self.inbox, self.provider.ledger, self.outages).routes(),
            *WebhookControls(self.webhooks).routes(),
            *Pages(self.inbox, self.provider).routes(),
            Route("/readyz", self._readyz),
        ]
        app = OutageMiddleware(Starlette(routes=routes, lifespan=self._lifespan), self.outages)
        return BrowserGuard(app, self.names)

    async def _readyz(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok" if self.ready else "starting"}, 200 if self.ready else 503)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        mail = await serve_mail(self.sockets.smtp, self.inbox, self.outages)
        schedulers = (self.provider.completions, self.webhooks.native, self.webhooks.signed)
        running = [asyncio.create_task(scheduler.run()) for scheduler in schedulers]
        await asyncio.sleep(0)  # each has read its tasks, or has failed
        for task in running:
            if task.done():
                task.result()
        self.ready = True
        try:
            yield
        finally:
            mail.close()
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            self.webhooks.client.close()
            self.provider_db.close()
            self.inbox_db.close()
