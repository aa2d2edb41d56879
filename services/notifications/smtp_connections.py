"""Connections to the mail server: made with TLS and login, kept while they are in use, closed when they are idle."""

from __future__ import annotations

import smtplib
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from services.notifications.mime import bracketed

#: Seconds to wait for each answer of the server.
TIME_OUT = 5.0
#: Seconds for which a connection is kept without use. Many servers close an idle one after half a minute.
IDLE = 20.0


@dataclass(frozen=True)
class SmtpServer:
    """Address, encryption and credentials of the mail server."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str | None
    password: str | None = field(repr=False)

    @classmethod
    def read(cls, url: str) -> SmtpServer:
        """Read `smtp://user:password@host:port?starttls` or `smtps://…`. Raises ValueError."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587?starttls or smtps://host")
        tls, starttls = parts.scheme == "smtps", "starttls" in parts.query
        port = parts.port or (465 if tls else 587 if starttls else 25)
        return cls(parts.hostname, port, tls, starttls, *_credentials(parts))


def _credentials(parts: SplitResult) -> tuple[str | None, str | None]:
    return parts.username and unquote(parts.username), parts.password and unquote(parts.password)


class SmtpConnections:
    """Open connections to one server; the one that was used last is used first, so that the others become idle."""

    def __init__(
        self,
        server: SmtpServer,
        host: str,
        monotonic: Callable[[], float] = time.monotonic,
        ca_file: Path | None = None,
    ) -> None:
        """`host`: our host name, for EHLO; `monotonic`: seconds that only grow; `ca_file`: the only CA to trust."""
        self._server = server
        self._host = bracketed(host)
        self._tls = ssl.create_default_context(cafile=ca_file) if server.tls or server.starttls else None
        self._monotonic = monotonic
        self._lock = threading.Lock()
        #: with the time of its last use, oldest first
        self._idle: deque[tuple[float, smtplib.SMTP]] = deque()

    def take(self) -> smtplib.SMTP | None:
        """An idle connection, which the server may have closed meanwhile; None when there is none."""
        with self._lock:
            self._close_used_before(self._monotonic() - IDLE)
            return self._idle.pop()[1] if self._idle else None

    def release(self, connection: smtplib.SMTP) -> None:
        """Keep a connection for the next mail, unless it is closed."""
        with self._lock:
            self._close_used_before(self._monotonic() - IDLE)
            if connection.sock is not None:
                self._idle.append((self._monotonic(), connection))

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            self._close_used_before(float("inf"))

    def connect(self) -> smtplib.SMTP:
        """A new connection, encrypted and logged in. Raises SMTPException, OSError."""
        server = self._server
        connection: smtplib.SMTP = (
            smtplib.SMTP_SSL(server.host, server.port, self._host, timeout=TIME_OUT, context=self._tls)
            if server.tls
            else smtplib.SMTP(server.host, server.port, self._host, timeout=TIME_OUT)
        )
        try:
            self._greet(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _greet(self, connection: smtplib.SMTP) -> None:
        if self._server.starttls:
            connection.starttls(context=self._tls)
        connection.ehlo_or_helo_if_needed()
        if self._server.user is not None:
            connection.login(self._server.user, self._server.password or "")

    def _close_used_before(self, moment: float) -> None:
        while self._idle and self._idle[0][0] < moment:
            self._idle.popleft()[1].close()
