"""E-mail by SMTP: connections are reused, and each stage of the exchange maps a failure to an outcome."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import parseaddr
from urllib.parse import SplitResult, unquote, urlsplit

from services.notifications.mime import bracketed, compose
from services.notifications.ports import SENT, DeliveryResult, Email, Outcome

#: Seconds to wait for each answer of the server.
TIME_OUT = 5.0


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


class SmtpMailSender:
    """Sends mails to one server over reused connections, at most one for each concurrent thread."""

    def __init__(self, smtp_url: str, sender: str, host: str) -> None:
        """`sender`: `Name <address>`; `host`: our host name, for EHLO and Message-IDs. Raises ValueError."""
        self._server = SmtpServer.read(smtp_url)
        self._sender = sender
        self._envelope = parseaddr(sender)[1]
        self._host = host
        self._tls = ssl.create_default_context() if self._server.tls or self._server.starttls else None
        self._idle: deque[smtplib.SMTP] = deque()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def send(self, mail: Email, /) -> DeliveryResult:
        """Send one mail, on an idle connection if there is one."""
        try:
            content = compose(mail, self._sender, self._host)
        except ValueError:
            return DeliveryResult(Outcome.REJECTED, "the address is not allowed in a mail header")
        while self._idle:
            # The server may have closed an idle connection. It accepted nothing then, so the next one is tried.
            with suppress(smtplib.SMTPException, OSError, IndexError):
                return self._send_on(self._idle.pop(), mail, content)
        return self._send_on_new_connection(mail, content)

    def _send_on_new_connection(self, mail: Email, content: bytes) -> DeliveryResult:
        try:
            return self._send_on(self._connect(), mail, content)
        except smtplib.SMTPResponseException as refusal:
            return DeliveryResult(Outcome.UNREACHABLE, f"the mail server refused us ({refusal.smtp_code})")
        except (OSError, smtplib.SMTPException) as error:
            return DeliveryResult(Outcome.UNREACHABLE, f"the mail server cannot be reached ({type(error).__name__})")

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        connection: smtplib.SMTP = (
            smtplib.SMTP_SSL(server.host, server.port, bracketed(self._host), timeout=TIME_OUT, context=self._tls)
            if server.tls
            else smtplib.SMTP(server.host, server.port, bracketed(self._host), timeout=TIME_OUT)
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

    def _send_on(self, connection: smtplib.SMTP, mail: Email, content: bytes) -> DeliveryResult:
        """Send a mail on this connection. Raises SMTPException when the server did not accept the sender."""
        try:
            self._mail_from(connection, mail)
        except smtplib.SMTPNotSupportedError:
            self._release(connection)
            return DeliveryResult(Outcome.REJECTED, "the mail server does not support this address (SMTPUTF8)")
        except BaseException:
            connection.close()
            raise
        result = _rcpt_to(connection, mail) or _data(connection, content)
        self._release(connection, reset=result is not SENT)
        return result

    def _mail_from(self, connection: smtplib.SMTP, mail: Email) -> None:
        code, reply = connection.mail(self._envelope, () if mail.to.isascii() else ("SMTPUTF8",))
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, reply, self._envelope)

    def _release(self, connection: smtplib.SMTP, *, reset: bool = False) -> None:
        try:
            if reset and connection.rset()[0] != 250:
                connection.close()
        except (smtplib.SMTPException, OSError):
            connection.close()
        if connection.sock is not None:
            self._idle.append(connection)


def _rcpt_to(connection: smtplib.SMTP, mail: Email) -> DeliveryResult | None:
    try:
        code, reply = connection.rcpt(mail.to)
    except (smtplib.SMTPException, OSError):
        connection.close()
        return DeliveryResult(Outcome.POSTPONED, "the connection to the mail server broke")
    if code in (250, 251):
        return None
    # 55x is about the mailbox; other codes are about this sender or are temporary.
    outcome = Outcome.REJECTED if 550 <= code <= 559 else Outcome.POSTPONED
    return DeliveryResult(outcome, f"the mail server refused the address ({_status(code, reply)})")


def _data(connection: smtplib.SMTP, content: bytes) -> DeliveryResult:
    try:
        code, reply = connection.data(content)
    except smtplib.SMTPDataError as refusal:
        code, reply = refusal.smtp_code, refusal.smtp_error if isinstance(refusal.smtp_error, bytes) else b""
    except (smtplib.SMTPException, OSError):
        connection.close()
        return DeliveryResult(Outcome.UNKNOWN, "the connection to the mail server broke before its answer")
    if code == 250:
        return SENT
    return DeliveryResult(Outcome.POSTPONED, f"the mail server refused the mail ({_status(code, reply)})")


def _status(code: int, reply: bytes) -> str:
    enhanced = _ENHANCED.match(reply)
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


# Enhanced status code (RFC 3463). The rest of a reply may name the recipient and is never logged.
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")
