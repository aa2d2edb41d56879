"""Idempotency keys, stored in the transaction of the effect that they protect (contract, section 1)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Column, DateTime, LargeBinary, func, text
from sqlmodel import Field, Session, SQLModel

from services.db import Sessions, retried
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
    session: Session, request: IdempotentRequest | None, resource_id: UUID, status: int
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
    if _insert(session, values):
        return None
    return _replay(session, request)


def _insert(session: Session, values: dict[str, object]) -> bool:
    session.execute(text("SET LOCAL lock_timeout = '2s'"))
    savepoint = session.begin_nested()
    try:
        written = session.execute(_INSERT, values).one_or_none()
        savepoint.commit()
    except Exception as error:
        savepoint.rollback()
        if getattr(getattr(error, "orig", None), "sqlstate", "") == "55P03":
            raise IdempotencyInProgress("The first request with this key is still running: try again.") from error
        raise
    session.execute(text("SET LOCAL lock_timeout = '3s'"))
    return written is not None


def _replay(session: Session, request: IdempotentRequest) -> EarlierRequest:
    row = session.execute(_FIND, {"caller": request.caller, "operation": request.operation, "key": request.key}).one()
    if bytes(row.body_hash) != request.body_hash:
        raise IdempotencyKeyReused("This Idempotency-Key was used for another request: use a new one.")
    return EarlierRequest(row.resource_id, row.status)


class IdempotencyStore:
    """Keys of operations that are idempotent anyway: keeps the first status, and refuses another body."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @retried
    def begin(self, request: IdempotentRequest | None, resource_id: UUID) -> EarlierRequest | None:
        """Store the key before the operation, or return the earlier request with it.

        Raises IdempotencyKeyReused, IdempotencyInProgress.
        """
        if request is None:
            return None
        with self._sessions.begin() as session:
            return remember(session, request, resource_id, 0)

    @retried
    def end(self, request: IdempotentRequest | None, status: int) -> None:
        """Store the status of the first response."""
        if request is None:
            return
        values = {"caller": request.caller, "operation": request.operation, "key": request.key, "status": status}
        with self._sessions.begin() as session:
            session.execute(_END, values)

    def forget_old(self) -> int:
        """Delete keys older than 72 h; returns how many."""
        with self._sessions.begin() as session:
            return forget_old(session)


def forget_old(session: Session) -> int:
    """Delete keys older than 72 h; returns how many."""
    return len(session.execute(_FORGET).all())


# An expired row is overwritten; a live one makes the insert return nothing.
_INSERT = text(
    f"""
    INSERT INTO idempotency.keys AS k (caller, operation, key, body_hash, resource_id, status)
    VALUES (:caller, :operation, :key, :body_hash, :resource_id, :status)
    ON CONFLICT (caller, operation, key) DO UPDATE
       SET body_hash = excluded.body_hash, resource_id = excluded.resource_id,
           status = excluded.status, created_at = now()
     WHERE k.created_at < now() - interval '{KEPT_HOURS} hours'
    RETURNING resource_id
    """  # noqa: S608 - a constant of this module
)
_FIND = text(
    "SELECT body_hash, resource_id, status FROM idempotency.keys"
    " WHERE caller = :caller AND operation = :operation AND key = :key"
)
_END = text(
    "UPDATE idempotency.keys SET status = :status"
    " WHERE caller = :caller AND operation = :operation AND key = :key AND status = 0"
)
_FORGET = text(
    f"DELETE FROM idempotency.keys WHERE created_at < now() - interval '{KEPT_HOURS} hours' RETURNING 1"  # noqa: S608 - a constant
)
