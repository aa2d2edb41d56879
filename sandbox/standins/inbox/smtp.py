"""The mail server: takes every mail to anyone and puts it into the inbox."""

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

AWAY = "421 4.3.2 Service not available, closing transmission channel"
LARGEST = 10 * 1024 * 1024

PARSER = BytesParser(policy=email.policy.default)


class Postman:
    """What aiosmtpd calls for every mail."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name there
        """Keeps the mail once for each recipient of the envelope."""
        content = envelope.original_content or b""
        for message in read_mail(content, envelope.rcpt_tos):
            self.inbox.add(message)
        return "250 2.0.0 OK: kept"


class MailSession(SMTP):
    """A session that is turned away while the mail server is said to be out of reach."""

    def __init__(self, postman: Postman, outages: Outages) -> None:
        super().__init__(postman, hostname="sandbox", enable_SMTPUTF8=True, data_size_limit=LARGEST, ident="Sandbox")
        self.outages = outages

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greets, or answers 421 and closes."""
        if not self.outages.is_away(Target.EMAIL):
            super().connection_made(transport)
            return
        # cast, not isinstance: uvloop's transports are none of asyncio's classes
        writing = cast(asyncio.WriteTransport, transport)
        writing.write(f"{AWAY}\r\n".encode())
        writing.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Ends a session, if it had begun."""
        if self.transport is not None:
            super().connection_lost(error)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - its name there
        """Turns a session away that was open when the outage began."""
        if self.outages.is_away(Target.EMAIL):
            await self.push(AWAY)
            if self.transport is not None:
                self.transport.close()
        else:
            await super().smtp_MAIL(arg)


async def serve_mail(sock: socket.socket, inbox: Inbox, outages: Outages) -> asyncio.Server:
    """Listens on a bound socket until the server it returns is closed."""
    postman = Postman(inbox)
    factory: Callable[[], asyncio.BaseProtocol] = lambda: MailSession(postman, outages)  # noqa: E731 - typed so
    return await asyncio.get_running_loop().create_server(factory, sock=sock)


def read_mail(content: bytes, recipients: list[str]) -> list[Message]:
    """The mail as one message for each recipient of its envelope."""
    mail = PARSER.parsebytes(content)
    text, html = _part(mail, "plain"), _part(mail, "html")
    subject = None if mail["Subject"] is None else str(mail["Subject"])
    headers = {name: str(value) for name, value in mail.items()}
    return [Message(Channel.EMAIL, recipient, text, subject, html, headers) for recipient in recipients]


def _part(mail: EmailMessage, kind: str) -> str | None:
    part = mail.get_body((kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")
