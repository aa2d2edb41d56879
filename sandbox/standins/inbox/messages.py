"""The inbox: stores every e-mail and SMS that was delivered, including duplicates."""

import json
import sqlite3
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, TypedDict

from sandbox.standins.provider.ledger import now_ms
from sandbox.standins.provider.yookassa_json import timestamp

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, recipient TEXT NOT NULL COLLATE NOCASE,
  subject TEXT, text TEXT, html TEXT, received_ms INTEGER NOT NULL, headers TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_recipient ON messages (recipient);
"""
ADD = """
INSERT INTO messages (channel, recipient, subject, text, html, received_ms, headers)
VALUES (:channel, :recipient, :subject, :text, :html, :received_ms, :headers)
"""
WHERE = """
WHERE (:to IS NULL OR recipient = :to) AND (:channel IS NULL OR channel = :channel) AND id > :after
  AND (:part IS NULL OR instr(lower(recipient), lower(:part)) > 0)
"""


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True)
class Message:
    """One message to one recipient; an SMS has no subject and no HTML part."""

    channel: Channel
    recipient: str
    text: str | None
    subject: str | None = None
    html: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    received_ms: int = field(default_factory=now_ms)
    id: int = 0

    @property
    def received_at(self) -> str:
        """Time of delivery, RFC 3339 in UTC."""
        return timestamp(self.received_ms)


class MessageItem(TypedDict):
    """A message in the inbox's JSON."""

    id: int
    channel: str
    to: str
    subject: str | None
    text: str | None
    html: str | None
    receivedAt: str
    headers: dict[str, str]


@dataclass(frozen=True)
class MessageFilter:
    """Conditions on messages: recipient `to`, `channel`, id greater than `after`, `part` contained in the recipient."""

    to: str | None = None
    channel: str | None = None
    after: int = 0
    part: str | None = None


class Inbox:
    """All messages, oldest first."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def add(self, message: Message) -> None:
        """Store a message."""
        self.db.execute(ADD, vars(message) | {"headers": json.dumps(message.headers)})

    def find(self, filter_: MessageFilter, newest: int = -1) -> list[Message]:
        """Messages that match, newest last; `newest` is the maximum number of latest messages, negative for all."""
        query = f"SELECT * FROM messages {WHERE} ORDER BY id DESC LIMIT :newest"  # noqa: S608 - constant text; values are bound parameters
        rows = self.db.execute(query, asdict(filter_) | {"newest": newest}).fetchall()
        return [_message(row) for row in reversed(rows)]

    def count(self, filter_: MessageFilter) -> int:
        """Count the messages that match."""
        query = f"SELECT count(*) FROM messages {WHERE}"  # noqa: S608 - constant text; values are bound parameters
        return int(self.db.execute(query, asdict(filter_)).fetchone()[0])

    def clear(self) -> None:
        """Delete every message; ids are not reused."""
        self.db.execute("DELETE FROM messages")


def message_json(message: Message) -> MessageItem:
    """The JSON representation of a message."""
    return {
        "id": message.id,
        "channel": message.channel,
        "to": message.recipient,
        "subject": message.subject,
        "text": message.text,
        "html": message.html,
        "receivedAt": message.received_at,
        "headers": message.headers,
    }


def _message(row: sqlite3.Row) -> Message:
    columns: dict[str, Any] = dict(zip(row.keys(), row, strict=True))
    return Message(**columns | {"channel": Channel(row["channel"]), "headers": json.loads(row["headers"])})
