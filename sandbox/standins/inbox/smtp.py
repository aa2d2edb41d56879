"""The mail server stand-in: accepts mail to any recipient and stores it in the inbox.

It is our own protocol, because aiosmtpd needs three times as much CPU for a mail (measured): it parses addresses with
the email package, reads mails line by line, and writes each reply to a pipelined group separately.
"""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import cast

from sandbox.standins.inbox.messages import Inbox
from sandbox.standins.inbox.smtp_commands import BYE, MAIL_TOO_LARGE, MAX_MAIL_BYTES, OK, UNAVAILABLE, Commands
from sandbox.standins.outage import Outages, Target

MAX_LINE_BYTES = 4096
GREETING = "220 sandbox ESMTP"
LINE_TOO_LONG = "500 5.5.2 Command line too long"
END_OF_MAIL = b"\r\n.\r\n"
# The session ends after these replies.
LAST_REPLIES = (BYE, UNAVAILABLE, MAIL_TOO_LARGE, LINE_TOO_LONG)


class MailSession(asyncio.Protocol):
    """One connection of a mail client."""

    def __init__(self, inbox: Inbox, outages: Outages) -> None:
        self._inbox = inbox
        self._is_down = partial(outages.is_down, Target.EMAIL)
        self._commands = Commands(self._is_down)
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the client, or respond 421 and close during an outage."""
        # cast, not isinstance: uvloop's transports do not inherit from asyncio's classes
        self._transport = cast(asyncio.Transport, transport)
        self._send([UNAVAILABLE if self._is_down() else GREETING])

    def data_received(self, data: bytes) -> None:
        """Execute the complete commands; the replies to a pipelined group are sent together."""
        self._received += data
        replies: list[str] = []
        while reply := self._read_mail() if self._commands.reads_mail else self._read_command():
            replies.append(reply)
            if reply in LAST_REPLIES:
                break
        self._send(replies)

    def _send(self, replies: list[str]) -> None:
        if replies:
            self._transport.write("".join(f"{reply}\r\n" for reply in replies).encode())
            if replies[-1] in LAST_REPLIES:
                self._transport.close()

    def _read_command(self) -> str | None:
        line, line_break, rest = self._received.partition(b"\r\n")
        if not line_break:
            return LINE_TOO_LONG if len(line) > MAX_LINE_BYTES else None
        self._received = rest
        reply = self._commands.execute(line.decode(errors="replace"))
        if self._commands.reads_mail:
            # An empty mail ends with the line break before it.
            self._received = b"\r\n" + rest
        return reply

    def _read_mail(self) -> str | None:
        if len(self._received) > MAX_MAIL_BYTES:
            return MAIL_TOO_LARGE
        mail, end, rest = self._received.partition(END_OF_MAIL)
        if not end:
            return None
        self._received = rest
        # A dot was added to lines that begin with one (RFC 5321, section 4.5.2).
        content = mail.replace(b"\r\n..", b"\r\n.").removeprefix(b"\r\n") + b"\r\n"
        self._inbox.add_mail(content, self._commands.recipients)
        return self._commands.reset(OK)


async def serve_mail(sock: socket.socket, inbox: Inbox, outages: Outages) -> asyncio.Server:
    """Serve on a bound socket until the returned server is closed."""
    factory: Callable[[], asyncio.BaseProtocol] = lambda: MailSession(inbox, outages)  # noqa: E731 - create_server needs this exact type
    return await asyncio.get_running_loop().create_server(factory, sock=sock)
