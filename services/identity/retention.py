"""Deletes what the identity service need not keep (docs/operators.md, How long rows are kept)."""

from __future__ import annotations

from services.db import Database, retried
from services.identity import retention_repository


class IdentityRetention:
    """Each method deletes at most `limit` rows, the oldest first, in one commit, and returns how many."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @retried
    def delete_codes(self, limit: int) -> int:
        """Verification codes that expired 3 days ago."""
        return retention_repository.delete_codes(self._database, limit)

    @retried
    def delete_reset_tokens(self, limit: int) -> int:
        """Password reset tokens that expired 3 days ago."""
        return retention_repository.delete_reset_tokens(self._database, limit)

    @retried
    def delete_refresh_tokens(self, limit: int) -> int:
        """Refresh tokens that expired 30 days ago: the session of a token that is used again is over by then."""
        return retention_repository.delete_refresh_tokens(self._database, limit)

    @retried
    def delete_sessions(self, limit: int) -> int:
        """Sessions whose last possible day was 30 days ago."""
        return retention_repository.delete_sessions(self._database, limit)

    @retried
    def delete_login_failures(self, limit: int) -> int:
        """Counts of wrong passwords, 90 days after the last one; an identifier that is locked stays locked."""
        return retention_repository.delete_login_failures(self._database, limit)

    @retried
    def delete_minted_tokens(self, limit: int) -> int:
        """Tokens without a session that expired 90 days ago."""
        return retention_repository.delete_minted_tokens(self._database, limit)

    @retried
    def delete_stream_tickets(self, limit: int) -> int:
        """Tickets of event streams that expired a day ago and were not used."""
        return retention_repository.delete_stream_tickets(self._database, limit)
