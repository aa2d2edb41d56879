"""Every e-mail and SMS that arrived, as it arrived: nothing merged, nothing dropped."""

import json
import sqlite3
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

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
WANTED = """
WHERE (:to IS NULL OR recipient = :to) AND (:channel IS NULL OR channel = :channel) AND id > :after
  AND (:part IS NULL OR instr(lower(recipient), lower(:part)) > 0)
"""


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"


@dataclass(frozen=True)
class Message:
    """One delivery to one recipient; an SMS has no subject and no HTML."""

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
        """When it came in, RFC 3339 in UTC."""
        return timestamp(self.received_ms)


@dataclass(frozen=True)
class Selection:
    """Which messages are wanted: of one recipient, of one channel, later than an id, with `part` in the recipient."""

    to: str | None = None
    channel: str | None = None
    after: int = 0
    part: str | None = None


class Inbox:
    """All messages, oldest first."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def add(self, message: Message) -> None:
        """Keeps a delivery."""
        self.db.execute(ADD, vars(message) | {"headers": json.dumps(message.headers)})

    def find(self, wanted: Selection, newest: int = -1) -> list[Message]:
        """The messages wanted, newest last; `newest` keeps that many of the latest, a negative number all."""
        query = f"SELECT * FROM messages {WANTED} ORDER BY id DESC LIMIT :newest"  # noqa: S608 - no values in it
        rows = self.db.execute(query, asdict(wanted) | {"newest": newest}).fetchall()
        return [_message(row) for row in reversed(rows)]

    def count(self, wanted: Selection) -> int:
        """How many messages are wanted."""
        query = f"SELECT count(*) FROM messages {WANTED}"  # noqa: S608 - no values in it
        return int(self.db.execute(query, asdict(wanted)).fetchone()[0])

    def clear(self) -> None:
        """Forgets every message; ids are never used again."""
        self.db.execute("DELETE FROM messages")


def shown(message: Message) -> dict[str, Any]:
    """A message as the inbox's JSON has it."""
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
