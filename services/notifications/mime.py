"""Builds the MIME form of an e-mail: headers, a plain text and an HTML alternative."""

from __future__ import annotations

import ipaddress
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, formataddr, parseaddr
from uuid import UUID

from services.notifications.ports import Email

# MIMEText takes 0.5 ms a mail, EmailMessage 2.6 ms (measured), at up to 120 mails a second.
_POLICY = compat32.clone(linesep="\r\n")


def compose(mail: Email, sender: str, host: str) -> bytes:
    """The mail as sent by SMTP. Raises ValueError when an address or the subject has control characters."""
    message = MIMEMultipart("alternative", boundary=f"part-{mail.id.hex}")
    headers = {
        "From": formataddr(parseaddr(sender)),
        "To": mail.to,
        "Subject": mail.subject,
        "Date": format_datetime(mail.written_at),
        "Message-ID": message_id(mail.id, host),
        "Auto-Submitted": "auto-generated",
    }
    for name, value in headers.items():
        message[name] = _header(name, value)
    message.attach(MIMEText(mail.text, "plain", "utf-8"))
    message.attach(MIMEText(mail.html, "html", "utf-8"))
    return message.as_bytes(policy=_POLICY)


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


def _header(name: str, value: str) -> str:
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("control characters in a header")
    return value if value.isascii() else Header(value, "utf-8", header_name=name).encode()
