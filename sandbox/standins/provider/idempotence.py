"""What the provider remembers of requests: idempotence keys, and how often something was tried."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
  scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, object_id TEXT NOT NULL,
  PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tries (subject TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
COUNT = "INSERT INTO tries VALUES (?, 1) ON CONFLICT (subject) DO UPDATE SET count = count + 1 RETURNING count"


@dataclass(frozen=True)
class Key:
    """An Idempotence-Key within its operation (`payments`, `refunds`) and a digest of the body it came with."""

    scope: str
    key: str
    fingerprint: str


def key_of(scope: str, key: str, body: dict[str, Any]) -> Key:
    """The key of a request; bodies that mean the same have the same fingerprint."""
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return Key(scope, key, hashlib.sha256(plain.encode()).hexdigest())


class KeyReused(Exception):
    """The key came before with another body."""


class Memory:
    """Keys and counts; each write is part of the caller's transaction, if there is one."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def find(self, key: Key) -> str | None:
        """The id of the object this key made, None when it is new. Raises KeyReused."""
        query = "SELECT fingerprint, object_id FROM keys WHERE scope = ? AND key = ?"
        row = self.db.execute(query, (key.scope, key.key)).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != key.fingerprint:
            raise KeyReused
        return str(row["object_id"])

    def keep(self, key: Key, object_id: str) -> None:
        """Remembers what the key made; of several objects the last."""
        row = (key.scope, key.key, key.fingerprint, object_id)
        self.db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)", row)

    def count(self, subject: str) -> int:
        """How often this was called for `subject`, this time included."""
        return int(self.db.execute(COUNT, (subject,)).fetchone()[0])
