"""Tickets that open an event stream where no header can be sent, as in a browser's `EventSource`."""

from __future__ import annotations

import secrets
from uuid import UUID

from services.db import Database, retried
from services.errors import Unauthenticated
from services.identity import stream_tickets_repository
from services.identity.access_tokens import AccessTokens
from services.identity.refresh_tokens import hash_token
from services.identity.stream_tickets_repository import LIFETIME
from services.identity.views import Caller, CallerKind, StreamTicket


class StreamTickets:
    """Issues and redeems tickets: 256 random bits, stored as SHA-256, each for one order and for one use."""

    def __init__(self, database: Database, tokens: AccessTokens) -> None:
        self._database, self._tokens = database, tokens

    def issue(self, session_id: UUID, order_id: UUID) -> StreamTicket:
        """A ticket for this order, which is valid for 60 s while the session is live."""
        ticket = secrets.token_urlsafe(32)
        self._add(hash_token(ticket), session_id, order_id)
        return StreamTicket(ticket, LIFETIME)

    def redeem(self, ticket: str, order_id: UUID) -> tuple[Caller, str]:
        """The caller who requested the ticket, and an access token of their session; the ticket is used up.

        The token stays in this process: a stream ends when it is no longer valid. Raises Unauthenticated, with one
        text, for a ticket that is unknown, used, expired, of another order or of a session that has ended.
        """
        with self._database.transaction() as tx:
            found = stream_tickets_repository.redeem(tx, hash_token(ticket), order_id)
        if found is None:
            raise Unauthenticated()
        caller = Caller(CallerKind(found.role), found.user_id, found.session_id, found.role)
        return caller, self._tokens.issue(found.user_id, found.session_id, found.role)

    @retried
    def _add(self, ticket_hash: bytes, session_id: UUID, order_id: UUID) -> None:
        with self._database.transaction() as tx:
            stream_tickets_repository.add(tx, ticket_hash, session_id, order_id)
