"""The mail server stand-in: accepts mail to any recipient and stores it in the inbox."""

import asyncio
import email.policy
import socket
from collections.abc import Callable
from email.message import EmailMessage
from email.parser import BytesParser
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.standins.inbox.messages import Channel, Inbox, Message
from sandbox.standins.outage import Outages, Target

UNAVAILABLE = "421 4.3.2 Service not available, closing transmission channel"
MAX_MAIL_BYTES = 10 * 1024 * 1024

PARSER = BytesParser(policy=email.policy.default)


class MailHandler:
    """The handler that aiosmtpd calls for every mail."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd looks the method up by this name
        """Store the mail once for each recipient of the envelope."""
        content = envelope.original_content or b""
        for message in read_mail(content, envelope.rcpt_tos):
            self.inbox.add(message)
        return "250 2.0.0 OK: stored"


class MailSession(SMTP):
    """An SMTP session that is refused with 421 during an outage of the mail server."""

    def __init__(self, handler: MailHandler, outages: Outages) -> None:
        super().__init__(
            handler, hostname="sandbox", enable_SMTPUTF8=True, data_size_limit=MAX_MAIL_BYTES, ident="Sandbox"
        )
        self.outages = outages

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, or respond 421 and close during an outage."""
        if not self.outages.is_down(Target.EMAIL):
            super().connection_made(transport)
            return
        # cast, not isinstance: uvloop's transports do not inherit from asyncio's classes
        writable = cast(asyncio.WriteTransport, transport)
        writable.write(f"{UNAVAILABLE}\r\n".encode())
        writable.close()

    def connection_lost(self, error: Exception | None) -> None:
        """End the session if it was started."""
        if self.transport is not None:
            super().connection_lost(error)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd looks the method up by this name
        """Refuse a session that was already open when the outage started."""
        if self.outages.is_down(Target.EMAIL):
            await self.push(UNAVAILABLE)
            if self.transport is not None:
                self.transport.close()
        else:
            await super().smtp_MAIL(arg)


async def serve_mail(sock: socket.socket, inbox: Inbox, outages: Outages) -> asyncio.Server:
    """Serve on a bound socket until the returned server is closed."""
    handler = MailHandler(inbox)
    factory: Callable[[], asyncio.BaseProtocol] = lambda: MailSession(handler, outages)  # noqa: E731 - create_server needs this exact type
    return await asyncio.get_running_loop().create_server(factory, sock=sock)


def read_mail(content: bytes, recipients: list[str]) -> list[Message]:
    """Parse a mail; return one message for each recipient of its envelope."""
    mail = PARSER.parsebytes(content)
    text, html = _part(mail, "plain"), _part(mail, "html")
    subject = None if mail["Subject"] is None else str(mail["Subject"])
    headers = {name: str(value) for name, value in mail.items()}
    return [Message(Channel.EMAIL, recipient, text, subject, html, headers) for recipient in recipients]


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
