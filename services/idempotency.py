"""Idempotency keys, stored in the transaction of the effect that they protect (contract, section 1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy import Column, DateTime, LargeBinary, func
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.db import Database, Executor, Transaction, retried
from services.errors import IdempotencyInProgress, IdempotencyKeyReused
from services.old_rows import oldest

#: How long a key is valid, in hours (contract, section 1); then its row is deleted.
KEPT_HOURS = 72
#: How many keys of one caller are kept for one operation on one object, which is idempotent without a key.
MAX_KEYS = 20


class IdempotencyKey(SQLModel, table=True):
    """A key with its request, the id of the resource and the status; never the body of a response."""

    __tablename__ = "keys"
    __table_args__ = {"schema": "idempotency"}

    caller: str = Field(primary_key=True)
    operation: str = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=255)
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    resource_id: UUID
    status: int
    created_at: datetime = Field(
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now(), index=True)
    )


@dataclass(frozen=True)
class IdempotentRequest:
    """A request with a key: the caller (`buyer:<id>`), the operation (`POST /orders`), the key, a hash of the body."""

    caller: str
    operation: str
    key: str
    body_hash: bytes

    @property
    def name(self) -> dict[str, str]:
        """What identifies the key."""
        return {"caller": self.caller, "operation": self.operation, "key": self.key}

    @classmethod
    def of(cls, caller: str, operation: str, key: str, body: object) -> IdempotentRequest:
        """Hash the body in a canonical form: the order of members and white space make no difference."""
        canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), default=str)
        return cls(caller, operation, key, hashlib.sha256(canonical.encode()).digest())


@dataclass(frozen=True)
class EarlierRequest:
    """The resource and the status of the first request with a key; status 0 while it has no response yet."""

    resource_id: UUID
    status: int


def remember(
    tx: Transaction, request: IdempotentRequest | None, resource_id: UUID, status: int
) -> EarlierRequest | None:
    """Store the key in the caller's transaction, or return the earlier request with it.

    A second request waits up to 2 s for the first one to commit.
    Raises IdempotencyKeyReused when the body differs, IdempotencyInProgress when the first still runs.
    """
    if request is None:
        return None
    values = {**request.name, "body_hash": request.body_hash, "resource_id": resource_id, "status": status}
    if _insert(tx, values):
        return None
    return _earlier(request, tx.fetch_one(_FIND, request.name))


def _insert(tx: Transaction, values: dict[str, object]) -> bool:
    tx.execute("SET LOCAL lock_timeout = '2s'")
    try:
        return tx.execute(_INSERT, values) == 1
    except LockNotAvailable as error:
        # The transaction is rolled back, as after every error.
        raise IdempotencyInProgress("The first request with this key is still running: try again.") from error


def _earlier(request: IdempotentRequest, row: Any) -> EarlierRequest:
    if bytes(row.body_hash) != request.body_hash:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request: use a new one.")
    return EarlierRequest(row.resource_id, row.status)


def forget_caller(tx: Executor, callers: Sequence[str]) -> None:
    """Delete every key of these callers in the caller's transaction."""
    tx.execute("DELETE FROM idempotency.keys WHERE caller = ANY(%(callers)s)", {"callers": list(callers)})


class IdempotencyStore:
    """Keys of operations that are idempotent anyway: keeps the first status, and refuses another body.

    A request is looked up before the operation and stored after it has succeeded, so that a refused one leaves no row.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @retried
    def find(self, request: IdempotentRequest) -> EarlierRequest | None:
        """The earlier request with this key. Raises IdempotencyKeyReused."""
        row = self._database.fetch_one(_FIND_VALID, request.name)
        return _earlier(request, row) if row is not None else None

    @retried
    def keep(self, request: IdempotentRequest, resource_id: UUID, status: int) -> EarlierRequest | None:
        """Store the key after the operation, or return the earlier request with it.

        Of an operation on one object, which has the object's id in its path, 20 keys of a caller are kept.
        Raises IdempotencyKeyReused.
        """
        values = {**request.name, "body_hash": request.body_hash, "resource_id": resource_id, "status": status}
        statement = _INSERT_SOME if str(resource_id) in request.operation else _INSERT
        with self._database.transaction() as tx:
            if tx.execute(statement, values):
                return None
            row = tx.fetch_one(_FIND, request.name)
            return _earlier(request, row) if row is not None else None

    @retried
    def end(self, request: IdempotentRequest, status: int) -> None:
        """Store the status of the first response to a request whose service has stored its key."""
        self._database.execute(_END, {**request.name, "status": status})

    @retried
    def delete_old(self, limit: int) -> int:
        """Delete at most `limit` keys older than 72 h, the oldest first; returns how many."""
        return self._database.execute(_DELETE_OLD, {"limit": limit})


# An expired row is overwritten; a live one makes the insert return nothing.
def _insert_if(condition: str) -> str:
    return f"""
    INSERT INTO idempotency.keys AS k (caller, operation, key, body_hash, resource_id, status)
    SELECT cast(%(caller)s AS text), cast(%(operation)s AS text), %(key)s, %(body_hash)s,
           cast(%(resource_id)s AS uuid), cast(%(status)s AS integer)
     WHERE {condition}
    ON CONFLICT (caller, operation, key) DO UPDATE
       SET body_hash = excluded.body_hash, resource_id = excluded.resource_id,
           status = excluded.status, created_at = now()
     WHERE k.created_at < now() - interval '{KEPT_HOURS} hours'
    RETURNING resource_id
    """  # noqa: S608 - constants of this module


_INSERT = _insert_if("true")
_INSERT_SOME = _insert_if(
    "(SELECT count(*) FROM idempotency.keys"  # noqa: S608 - a constant of this module
    " WHERE caller = cast(%(caller)s AS text) AND operation = cast(%(operation)s AS text))"
    f" < {MAX_KEYS}"
)
_FIND = (
    "SELECT body_hash, resource_id, status FROM idempotency.keys"
    " WHERE caller = %(caller)s AND operation = %(operation)s AND key = %(key)s"
)
_FIND_VALID = f"{_FIND} AND created_at >= now() - interval '{KEPT_HOURS} hours'"
_END = (
    "UPDATE idempotency.keys SET status = %(status)s"
    " WHERE caller = %(caller)s AND operation = %(operation)s AND key = %(key)s AND status = 0"
)
_DELETE_OLD = (
    "DELETE FROM idempotency.keys"  # noqa: S608 - constants of this module
    f" WHERE {oldest('idempotency.keys', 'created_at', f'{KEPT_HOURS} hours')}"
)
