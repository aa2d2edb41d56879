"""Idempotency keys, stored in the transaction of the effect that they protect (contract, section 1)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from psycopg.errors import LockNotAvailable
from sqlalchemy import Column, DateTime, LargeBinary, func
from sqlmodel import Field, SQLModel

from services import table_names as table_names  # sets the names of constraints
from services.db import Database, Executor, Transaction, retried
from services.errors import IdempotencyInProgress, IdempotencyKeyReused

#: How long a key is kept, in hours.
KEPT_HOURS = 72


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
    values = {
        "caller": request.caller,
        "operation": request.operation,
        "key": request.key,
        "body_hash": request.body_hash,
        "resource_id": resource_id,
        "status": status,
    }
    if _insert(tx, values):
        return None
    return _replay(tx, request)


def _insert(tx: Transaction, values: dict[str, object]) -> bool:
    tx.execute("SET LOCAL lock_timeout = '2s'")
    try:
        return tx.execute(_INSERT, values) == 1
    except LockNotAvailable as error:
        # The transaction is rolled back, as after every error.
        raise IdempotencyInProgress("The first request with this key is still running: try again.") from error


def _replay(tx: Transaction, request: IdempotentRequest) -> EarlierRequest:
    row = tx.fetch_one(_FIND, {"caller": request.caller, "operation": request.operation, "key": request.key})
    if bytes(row.body_hash) != request.body_hash:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request: use a new one.")
    return EarlierRequest(row.resource_id, row.status)


class IdempotencyStore:
    """Keys of operations that are idempotent anyway: keeps the first status, and refuses another body."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @retried
    def begin(self, request: IdempotentRequest | None, resource_id: UUID) -> EarlierRequest | None:
        """Store the key before the operation, or return the earlier request with it.

        Raises IdempotencyKeyReused, IdempotencyInProgress.
        """
        if request is None:
            return None
        with self._database.transaction() as tx:
            return remember(tx, request, resource_id, 0)

    @retried
    def end(self, request: IdempotentRequest | None, status: int) -> None:
        """Store the status of the first response."""
        if request is None:
            return
        values = {"caller": request.caller, "operation": request.operation, "key": request.key, "status": status}
        self._database.execute(_END, values)

    def forget_old(self) -> int:
        """Delete keys older than 72 h; returns how many."""
        return forget_old(self._database)


def forget_old(tx: Executor) -> int:
    """Delete keys older than 72 h; returns how many."""
    return tx.execute(_FORGET)


# An expired row is overwritten; a live one makes the insert return nothing.
_INSERT = f"""
    INSERT INTO idempotency.keys AS k (caller, operation, key, body_hash, resource_id, status)
    VALUES (%(caller)s, %(operation)s, %(key)s, %(body_hash)s, %(resource_id)s, %(status)s)
    ON CONFLICT (caller, operation, key) DO UPDATE
       SET body_hash = excluded.body_hash, resource_id = excluded.resource_id,
           status = excluded.status, created_at = now()
     WHERE k.created_at < now() - interval '{KEPT_HOURS} hours'
    RETURNING resource_id
    """  # noqa: S608 - a constant of this module
_FIND = (
    "SELECT body_hash, resource_id, status FROM idempotency.keys"
    " WHERE caller = %(caller)s AND operation = %(operation)s AND key = %(key)s"
)
_END = (
    "UPDATE idempotency.keys SET status = %(status)s"
    " WHERE caller = %(caller)s AND operation = %(operation)s AND key = %(key)s AND status = 0"
)
_FORGET = f"DELETE FROM idempotency.keys WHERE created_at < now() - interval '{KEPT_HOURS} hours' RETURNING 1"  # noqa: S608 - a constant
