"""Builds the MIME form of an e-mail: headers, a plain text and an HTML alternative.

The bytes are put together here because the `email` package takes ten times as long, and every mail has the same shape.
"""

from __future__ import annotations

import ipaddress
import re
from binascii import b2a_base64
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr
from functools import lru_cache
from uuid import UUID

from services.notifications.ports import Email

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Characters of a Subject that fits on a line of 78 (RFC 5322, section 2.1.1).
_ONE_LINE = 78 - len("Subject: ")
# Bytes in one encoded word, so that the first line, `Subject: =?utf-8?b?…?=`, has at most 76 characters (RFC 2047).
_WORD = 39
# Characters of base64 on one line (RFC 2045, section 6.8).
_LINE = 76


def compose(mail: Email, sender: str, host: str, reply_to: str | None = None) -> bytes:
    """The mail as sent by SMTP, ASCII with CRLF line ends; no line starts with a dot.

    `sender` and `reply_to`: `Name <address>`. Raises ValueError when an address or the subject has control characters.
    """
    boundary = f"part-{mail.id.hex}"
    return (
        f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'
        "MIME-Version: 1.0\r\n"
        f"{_senders(sender, reply_to)}"
        f"To: {_header('To', mail.to)}\r\n"
        f"Subject: {_subject(mail.subject)}\r\n"
        f"Date: {format_datetime(mail.written_at)}\r\n"
        f"Message-ID: {_header('Message-ID', message_id(mail.id, host))}\r\n"
        "Auto-Submitted: auto-generated\r\n\r\n"
        f"{_part(boundary, 'plain', mail.text)}{_part(boundary, 'html', mail.html)}--{boundary}--\r\n"
    ).encode("ascii")


def message_id(notification_id: UUID, host: str) -> str:
    """The Message-ID; the same for every attempt of one notification, so that a mailbox can detect a duplicate."""
    return f"<{notification_id}@{host}>"


def bracketed(host: str) -> str:
    """The host for EHLO; an IP address is put in brackets (RFC 5321, section 4.1.3)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return f"[{address}]" if address.version == 4 else f"[IPv6:{address}]"


@lru_cache(maxsize=8)
def _senders(sender: str, reply_to: str | None) -> str:
    mailboxes = {"From": sender, "Reply-To": reply_to}
    headers = [(name, formataddr(parseaddr(mailbox))) for name, mailbox in mailboxes.items() if mailbox]
    return "".join([f"{name}: {_header(name, value)}\r\n" for name, value in headers])


def _header(name: str, value: str) -> str:
    _refuse_control_characters(value)
    return value if value.isascii() else Header(value, "utf-8", header_name=name).encode(linesep="\r\n")


def _subject(value: str) -> str:
    _refuse_control_characters(value)
    # Text that looks like an encoded word would be decoded by the reader, and spaces at the ends would be lost.
    plain = value.isascii() and len(value) <= _ONE_LINE and "=?" not in value and value == value.strip()
    return value if plain else _encoded_words(value.encode())


def _encoded_words(text: bytes) -> str:
    words, start = [], 0
    while start < len(text):
        end = start + _WORD
        while end < len(text) and text[end] & 0xC0 == 0x80:  # inside a character of UTF-8
            end -= 1
        words.append(f"=?utf-8?b?{b2a_base64(text[start:end], newline=False).decode()}?=")
        start = end
    return "\r\n ".join(words)


def _part(boundary: str, subtype: str, text: str) -> str:
    body = b2a_base64(text.encode(), newline=False).decode()
    lines = "\r\n".join([body[start : start + _LINE] for start in range(0, len(body), _LINE)])
    return (
        f'--{boundary}\r\nContent-Type: text/{subtype}; charset="utf-8"\r\nMIME-Version: 1.0\r\n'
        f"Content-Transfer-Encoding: base64\r\n\r\n{lines}\r\n\r\n"
    )


def _refuse_control_characters(value: str) -> None:
    if _CONTROL.search(value):
        raise ValueError("control characters in a header")
