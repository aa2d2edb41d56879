"""E-mail by SMTP: connections are reused, and each stage of the exchange maps a failure to an outcome."""

from __future__ import annotations

import smtplib
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parseaddr
from pathlib import Path

from services.notifications.mime import compose
from services.notifications.ports import SENT, DeliveryResult, Email, Outcome
from services.notifications.smtp_connections import SmtpConnections, SmtpServer
from services.notifications.smtp_exchange import exchange


class SmtpMailSender:
    """Sends mails to one server over reused connections, at most one for each concurrent thread."""

    def __init__(
        self,
        smtp_url: str,
        sender: str,
        host: str,
        reply_to: str | None = None,
        *,
        ca_file: Path | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`sender` and `reply_to`: `Name <address>`; `host`: our host name, for EHLO and Message-IDs;
        `ca_file`: the CA that the server's certificate must be signed by, None: one of the system's.

        Raises ValueError.
        """
        self._connections = SmtpConnections(SmtpServer.read(smtp_url), host, monotonic, ca_file)
        self._sender = sender
        self._envelope = parseaddr(sender)[1]
        self._host = host
        self._reply_to = reply_to

    def close(self) -> None:
        """Close the idle connections."""
        self._connections.close()

    def send(self, mail: Email, /) -> DeliveryResult:
        """Send one mail, on an idle connection if there is one."""
        try:
            content = compose(mail, self._sender, self._host, self._reply_to)
        except ValueError:
            return DeliveryResult(Outcome.REJECTED, "the address is not allowed in a mail header")
        while connection := self._connections.take():
            # The server may have closed an idle connection. It accepted nothing then, so the next one is tried.
            with suppress(smtplib.SMTPException, OSError):
                return self._send_on(connection, mail, content)
        return self._send_on_new_connection(mail, content)

    def _send_on_new_connection(self, mail: Email, content: bytes) -> DeliveryResult:
        try:
            return self._send_on(self._connections.connect(), mail, content)
        except smtplib.SMTPResponseException as refusal:
            return DeliveryResult(Outcome.UNREACHABLE, f"the mail server refused us ({refusal.smtp_code})")
        except (OSError, smtplib.SMTPException) as error:
            return DeliveryResult(Outcome.UNREACHABLE, f"the mail server cannot be reached ({type(error).__name__})")

    def _send_on(self, connection: smtplib.SMTP, mail: Email, content: bytes) -> DeliveryResult:
        """Send a mail on this connection. Raises SMTPException when the server did not accept the sender."""
        try:
            result = exchange(connection, self._envelope, mail.to, content)
        except smtplib.SMTPNotSupportedError:
            self._connections.release(connection)
            return DeliveryResult(Outcome.REJECTED, "the mail server does not support this address (SMTPUTF8)")
        except BaseException:
            connection.close()
            raise
        if result is not SENT:
            _reset(connection)
        self._connections.release(connection)
        return result


def _reset(connection: smtplib.SMTP) -> None:
    """End the transaction, so that the next mail can use the connection; closes it when that fails."""
    try:
        if connection.rset()[0] != 250:
            connection.close()
    except (smtplib.SMTPException, OSError):
        connection.close()
