"""Idempotence keys of requests, and counters of attempts."""

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
  scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint TEXT NOT NULL, object_id TEXT NOT NULL,
  PRIMARY KEY (scope, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS attempts (subject TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID;
"""
COUNT = "INSERT INTO attempts VALUES (?, 1) ON CONFLICT (subject) DO UPDATE SET count = count + 1 RETURNING count"


@dataclass(frozen=True)
class IdempotenceKey:
    """An Idempotence-Key within its operation (`payments`, `refunds`) and a digest of the request body."""

    scope: str
    key: str
    fingerprint: str


def key_of(scope: str, key: str, body: dict[str, Any]) -> IdempotenceKey:
    """The key of a request; equal JSON values have the same fingerprint, whatever the order of their members."""
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return IdempotenceKey(scope, key, hashlib.sha256(plain.encode()).hexdigest())


class KeyReused(Exception):
    """The key was used before with another body."""


class IdempotenceStore:
    """Stores keys and counters; writes join the caller's transaction, if there is one."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db

    def find(self, key: IdempotenceKey) -> str | None:
        """The id of the object that this key created, or None. Raises KeyReused."""
        query = "SELECT fingerprint, object_id FROM keys WHERE scope = ? AND key = ?"
        row = self.db.execute(query, (key.scope, key.key)).fetchone()
        if row is None:
            return None
        if row["fingerprint"] != key.fingerprint:
            raise KeyReused
        return str(row["object_id"])

    def save(self, key: IdempotenceKey, object_id: str) -> None:
        """Store the object that the key created; a later object replaces an earlier one."""
        row = (key.scope, key.key, key.fingerprint, object_id)
        self.db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?)", row)

    def count(self, subject: str) -> int:
        """Increment the counter of `subject` and return it."""
        return int(self.db.execute(COUNT, (subject,)).fetchone()[0])
