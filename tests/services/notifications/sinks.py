"""Servers for tests: a mail server with configurable answers, and an SMS gateway that records its requests."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.ports import free_port


@dataclass
class MailServer:
    """The mails that the server got, and its answers to the recipients and contents that are set here."""

    port: int = 0
    pipelining: bool = False
    connections: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    to_recipient: dict[str, str] = field(default_factory=dict)
    to_content: str | None = None
    dies_after_content: bool = False
    open: list[asyncio.WriteTransport] = field(default_factory=list)

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        assert isinstance(server.transport, asyncio.WriteTransport)
        self.open.append(server.transport)
        session.host_name = hostname
        return [*(["250-PIPELINING"] if self.pipelining else []), *responses]

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if refusal := self.to_recipient.get(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.to_content:
            return self.to_content
        self.mails.append(message_from_bytes(envelope.original_content or b"", policy=default))
        self.recipients += envelope.rcpt_tos
        if self.dies_after_content:
            self.dies_after_content = False
            await self.hang_up()
        return "250 OK"

    async def hang_up(self) -> None:
        """Cuts every connection."""
        while self.open:
            self.open.pop().abort()
        await asyncio.sleep(0)


@contextmanager
def mail_server(server: MailServer, **options: Any) -> Iterator[Controller]:
    """Serves on the loopback for the time of the block, on the server's port once it has one."""
    server.port = server.port or free_port()
    controller = Controller(server, hostname="127.0.0.1", port=server.port, **options)
    controller.start()
    try:
        yield controller
    finally:
        asyncio.run_coroutine_threadsafe(server.hang_up(), controller.loop).result()
        controller.stop()


def only_shop(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword) -> AuthResult:
    """An authenticator that knows one user."""
    return AuthResult(success=(login.login, login.password) == (b"shop", b"p@ss:word"), handled=False)


@dataclass
class Gateway:
    """The requests that the SMS gateway got, and the status it answers; 0: it closes the connection."""

    status: int = 201
    methods: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""


@contextmanager
def sms_gateway(gateway: Gateway) -> Iterator[Gateway]:
    """Serves on the loopback for the time of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_OPTIONS(self) -> None:
            gateway.methods.append("OPTIONS")
            self._answer(405 if gateway.status else 0)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            gateway.methods.append("POST")
            gateway.forms.append({name: values[0] for name, values in parse_qs(body).items()})
            gateway.headers.append(dict(self.headers))
            self._answer(gateway.status)

        def _answer(self, status: int) -> None:
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        gateway.url = f"http://AC1:s%3Acret@127.0.0.1:{server.server_port}/2010-04-01/Accounts/AC1/Messages.json"
        try:
            yield gateway
        finally:
            server.shutdown()
            thread.join()
