"""The inbox: stores every e-mail and SMS that was delivered, including duplicates.

A mail is stored as it arrived and parsed when it is first read, because most mails of a load test are never read.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, TypedDict

from sandbox.standins.inbox.parsing import parse_mail
from sandbox.standins.provider.ledger import now_ms
from sandbox.standins.provider.yookassa_json import timestamp
from sandbox.standins.storage import transaction

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, channel TEXT NOT NULL, recipient TEXT NOT NULL COLLATE NOCASE,
  subject TEXT, text TEXT, html TEXT, received_ms INTEGER NOT NULL, headers TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS messages_recipient ON messages (recipient);
CREATE TABLE IF NOT EXISTS raw_mails (message_id INTEGER PRIMARY KEY, content BLOB NOT NULL);
"""
ADD = """
INSERT INTO messages (channel, recipient, subject, text, html, received_ms, headers)
VALUES (:channel, :recipient, :subject, :text, :html, :received_ms, :headers)
"""
ADD_MAIL = "INSERT INTO messages (channel, recipient, received_ms, headers) VALUES ('email', ?, ?, '{}')"
ADD_RAW_MAIL = "INSERT INTO raw_mails (message_id, content) VALUES (?, ?)"
SELECT = "SELECT messages.*, content FROM messages LEFT JOIN raw_mails ON message_id = id"
SAVE_PARSED = "UPDATE messages SET subject = :subject, text = :text, html = :html, headers = :headers WHERE id = :id"
CONDITIONS = {
    "to": "recipient = :to",
    "channel": "channel = :channel",
    "part": "instr(lower(recipient), lower(:part)) > 0",
}


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

    @property
    def where(self) -> str:
        """The WHERE clause; only conditions that are set, so that the index of recipients is used."""
        given = [condition for name, condition in CONDITIONS.items() if getattr(self, name) is not None]
        return " AND ".join(["WHERE id > :after", *given])


class Inbox:
    """All messages, oldest first."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def add(self, message: Message) -> None:
        """Store a message."""
        self.db.execute(ADD, vars(message) | {"headers": json.dumps(message.headers)})

    def add_mail(self, raw: bytes, recipients: Iterable[str]) -> None:
        """Store a mail once for each recipient of its envelope."""
        with transaction(self.db):
            for recipient in recipients:
                added = self.db.execute(ADD_MAIL, (recipient, now_ms()))
                self.db.execute(ADD_RAW_MAIL, (added.lastrowid, raw))

    def find(self, filter_: MessageFilter, newest: int = -1) -> list[Message]:
        """Messages that match, newest last; `newest` is the maximum number of latest messages, negative for all."""
        query = f"{SELECT} {filter_.where} ORDER BY id DESC LIMIT :newest"
        rows = self.db.execute(query, asdict(filter_) | {"newest": newest}).fetchall()
        return self._messages(reversed(rows))

    def first(self, filter_: MessageFilter, limit: int) -> list[Message]:
        """The oldest messages that match, `limit` at most, newest last."""
        query = f"{SELECT} {filter_.where} ORDER BY id LIMIT :limit"
        return self._messages(self.db.execute(query, asdict(filter_) | {"limit": limit}).fetchall())

    def _messages(self, rows: Iterable[sqlite3.Row]) -> list[Message]:
        with transaction(self.db):
            return [self._message(row) for row in rows]

    def _message(self, row: sqlite3.Row) -> Message:
        columns: dict[str, Any] = dict(zip(row.keys(), row, strict=True))
        raw: bytes | None = columns.pop("content")
        message = Message(**columns | {"channel": Channel(row["channel"]), "headers": json.loads(row["headers"])})
        return message if raw is None else self._parse(message, raw)

    def _parse(self, message: Message, raw: bytes) -> Message:
        """Parse a mail that is read for the first time, and store the result in place of the raw mail."""
        parsed = replace(message, **vars(parse_mail(raw)))
        self.db.execute(SAVE_PARSED, vars(parsed) | {"headers": json.dumps(parsed.headers)})
        self.db.execute("DELETE FROM raw_mails WHERE message_id = ?", (message.id,))
        return parsed

    def count(self, filter_: MessageFilter) -> int:
        """Count the messages that match."""
        query = f"SELECT count(*) FROM messages {filter_.where}"  # noqa: S608 - constant text; values are bound parameters
        return int(self.db.execute(query, asdict(filter_)).fetchone()[0])

    def clear(self) -> None:
        """Delete every message; ids are not reused."""
        with transaction(self.db):
            self.db.execute("DELETE FROM messages")
            self.db.execute("DELETE FROM raw_mails")


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
