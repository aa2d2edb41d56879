"""The mail server stand-in: accepts mail to any recipient and stores it in the inbox."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.standins.inbox.messages import Inbox
from sandbox.standins.outage import Outages, Target

UNAVAILABLE = "421 4.3.2 Service not available, closing transmission channel"
MAX_MAIL_BYTES = 10 * 1024 * 1024


class MailHandler:
    """The handler that aiosmtpd calls for every mail."""

    def __init__(self, inbox: Inbox) -> None:
        self.inbox = inbox

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd looks the method up by this name
        """Store the mail once for each recipient of the envelope."""
        self.inbox.add_mail(envelope.original_content or b"", envelope.rcpt_tos)
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
