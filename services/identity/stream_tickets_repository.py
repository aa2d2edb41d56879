"""SQL of the tickets that open event streams."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.session_roles import ROLE_OF_SESSION

#: Seconds in which a ticket can be used.
LIFETIME = 60


@dataclass(frozen=True)
class RedeemedTicket:
    """The live session that requested a ticket, with its account and the role that the session has now."""

    session_id: UUID
    user_id: UUID
    role: str


def add(tx: Executor, ticket_hash: bytes, session_id: UUID, order_id: UUID) -> None:
    """Store a ticket of a session for one order, and delete the session's expired ones."""
    tx.execute(_ADD, {"hash": ticket_hash, "session_id": session_id, "order_id": order_id})


def redeem(tx: Executor, ticket_hash: bytes, order_id: UUID) -> RedeemedTicket | None:
    """Delete a ticket for this order; of simultaneous calls one gets its session, None when that is not live."""
    return tx.fetch_one(_REDEEM, {"hash": ticket_hash, "order_id": order_id}, into=RedeemedTicket)


_ADD = f"""
    WITH expired AS (
        DELETE FROM identity.stream_tickets WHERE session_id = %(session_id)s AND expires_at <= {NOW}
    )
    INSERT INTO identity.stream_tickets (hash, session_id, order_id, expires_at)
    VALUES (%(hash)s, %(session_id)s, %(order_id)s, {NOW} + interval '{LIFETIME} seconds')
    """  # noqa: S608 - only constants of this project
_REDEEM = f"""
    WITH redeemed AS (
        DELETE FROM identity.stream_tickets
         WHERE hash = %(hash)s AND order_id = %(order_id)s AND expires_at > {NOW}
        RETURNING session_id
    )
    SELECT s.id AS session_id, s.user_id, {ROLE_OF_SESSION}
      FROM redeemed JOIN identity.sessions s ON s.id = redeemed.session_id JOIN identity.users u ON u.id = s.user_id
     WHERE s.ended_at IS NULL AND s.expires_at > {NOW} AND u.is_active
    """  # noqa: S608 - only constants of this project
