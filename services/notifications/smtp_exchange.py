"""One mail on an open SMTP connection: its commands go in one write when the server has PIPELINING (RFC 2920)."""

from __future__ import annotations

import re
import smtplib
from collections.abc import Iterator, Sequence

from services.notifications.ports import SENT, DeliveryResult, Outcome

# An address that needs no quotes in a command.
_PLAIN = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[\w.-]+")
# Enhanced status code (RFC 3463). The rest of a reply may name the recipient and is never logged.
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")
_BROKE = DeliveryResult(Outcome.POSTPONED, "the connection to the mail server broke")
_NO_ANSWER = DeliveryResult(Outcome.UNKNOWN, "the connection to the mail server broke before its answer")


def exchange(connection: smtplib.SMTP, sender: str, to: str, content: bytes) -> DeliveryResult:
    """Send one mail; two round trips with PIPELINING, four without. A broken connection is closed.

    `sender`, `to`: addresses without control characters; `content`: lines end with CRLF.
    Raises SMTPNotSupportedError when the server does not support the address, and SMTPException or OSError when it
    did not accept the sender: it has no part of the mail then.
    """
    commands = [_mail_from(connection, sender, to), f"RCPT TO:{_path(to)}\r\n".encode(), b"DATA\r\n"]
    replies = _replies(connection, commands)
    code, reply = next(replies)
    if code != 250:
        raise smtplib.SMTPSenderRefused(code, reply, sender)
    try:
        refusal = _refused_address(*next(replies)) or _refused_mail(*next(replies), expected=354)
    except (smtplib.SMTPException, OSError):
        connection.close()
        return _BROKE
    if refusal:
        _finish(connection, replies)
        return refusal
    return _send_content(connection, content)


def _replies(connection: smtplib.SMTP, commands: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
    pipelining = connection.has_extn("pipelining")
    if pipelining:
        connection.send(b"".join(commands))
    for command in commands:
        if not pipelining:
            connection.send(command)
        yield connection.getreply()


def _finish(connection: smtplib.SMTP, replies: Iterator[tuple[int, bytes]]) -> None:
    """Read the answer to a DATA that was sent before the recipient was refused; a broken connection is closed."""
    if not connection.has_extn("pipelining"):
        return
    try:
        if any(code == 354 for code, _ in replies):
            # The server waits for a mail: it gets an empty one, for which it has no recipient (RFC 2920, section 3.1).
            connection.send(b".\r\n")
            connection.getreply()
    except (smtplib.SMTPException, OSError):
        connection.close()


def _send_content(connection: smtplib.SMTP, content: bytes) -> DeliveryResult:
    try:
        connection.send(content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        code, reply = connection.getreply()
    except (smtplib.SMTPException, OSError):
        connection.close()
        return _NO_ANSWER
    return _refused_mail(code, reply, expected=250) or SENT


def _mail_from(connection: smtplib.SMTP, sender: str, to: str) -> bytes:
    if to.isascii():
        return f"MAIL FROM:{_path(sender)}\r\n".encode()
    if not connection.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError("SMTPUTF8")
    return f"MAIL FROM:{_path(sender)} SMTPUTF8\r\n".encode()


def _path(address: str) -> str:
    return f"<{address}>" if _PLAIN.fullmatch(address) else smtplib.quoteaddr(address)


def _refused_address(code: int, reply: bytes) -> DeliveryResult | None:
    if code in (250, 251):
        return None
    # 55x is about the mailbox; other codes are about this sender or are temporary.
    outcome = Outcome.REJECTED if 550 <= code <= 559 else Outcome.POSTPONED
    return DeliveryResult(outcome, f"the mail server refused the address ({_status(code, reply)})")


def _refused_mail(code: int, reply: bytes, *, expected: int) -> DeliveryResult | None:
    if code == expected:
        return None
    return DeliveryResult(Outcome.POSTPONED, f"the mail server refused the mail ({_status(code, reply)})")


def _status(code: int, reply: bytes) -> str:
    enhanced = _ENHANCED.match(reply)
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)
