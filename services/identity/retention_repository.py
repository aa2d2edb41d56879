"""SQL that deletes old rows of the identity service; each function is one statement on one table."""

from __future__ import annotations

from services.db import Executor
from services.identity.login_throttle import LAST_FAILURE
from services.old_rows import oldest

#: Days after the expiry of a code or a reset token: long enough to answer "the code did not work".
CODE_DAYS = 3
#: Days after the expiry of a refresh token, and after the last day of a session. A refresh token expires at least 16
#: days before its session can end, so a used one is known, and detected, as long as the session may live.
SESSION_DAYS = 30
#: Days after the expiry of a token without a session: long enough to answer who had one.
MINTED_DAYS = 90
#: Days after the expiry of a ticket of an event stream: only unused ones are left, and they are worth nothing.
TICKET_DAYS = 1
#: Days after the last wrong password for an identifier.
FAILURES_DAYS = 90


def delete_codes(tx: Executor, limit: int) -> int:
    """Delete verification codes, used or not."""
    return tx.execute(_DELETE_CODES, {"limit": limit})


def delete_reset_tokens(tx: Executor, limit: int) -> int:
    """Delete password reset tokens, used or not."""
    return tx.execute(_DELETE_RESET_TOKENS, {"limit": limit})


def delete_refresh_tokens(tx: Executor, limit: int) -> int:
    """Delete refresh tokens, used or not."""
    return tx.execute(_DELETE_REFRESH_TOKENS, {"limit": limit})


def delete_sessions(tx: Executor, limit: int) -> int:
    """Delete sessions, ended or expired, that have no refresh token any more."""
    return tx.execute(_DELETE_SESSIONS, {"limit": limit})


def delete_login_failures(tx: Executor, limit: int) -> int:
    """Delete counts of wrong passwords, except those that lock an identifier until a reset (ABUSE T13)."""
    return tx.execute(_DELETE_LOGIN_FAILURES, {"limit": limit})


def delete_minted_tokens(tx: Executor, limit: int) -> int:
    """Delete tokens without a session, revoked or not."""
    return tx.execute(_DELETE_MINTED_TOKENS, {"limit": limit})


def delete_stream_tickets(tx: Executor, limit: int) -> int:
    """Delete tickets of event streams that nobody used."""
    return tx.execute(_DELETE_STREAM_TICKETS, {"limit": limit})


def _delete(table: str, column: str, days: int, only: str = "true") -> str:
    return f"DELETE FROM {table} WHERE {oldest(table, column, f'{days} days', only)}"  # noqa: S608 - only constants of this project


_DELETE_CODES = _delete("identity.tokens", "expires_at", CODE_DAYS, "kind <> 'refresh'")
_DELETE_RESET_TOKENS = _delete("identity.password_reset_tokens", "expires_at", CODE_DAYS)
_DELETE_REFRESH_TOKENS = _delete("identity.tokens", "expires_at", SESSION_DAYS, "kind = 'refresh'")
# Without the condition, one session could delete thousands of refresh tokens with it.
_DELETE_SESSIONS = _delete(
    "identity.sessions",
    "expires_at",
    SESSION_DAYS,
    "NOT EXISTS (SELECT FROM identity.tokens t WHERE t.session_id = sessions.id)",
)
_DELETE_LOGIN_FAILURES = _delete("identity.login_failures", "last_at", FAILURES_DAYS, f"failures < {LAST_FAILURE}")
_DELETE_STREAM_TICKETS = _delete("identity.stream_tickets", "expires_at", TICKET_DAYS)
_DELETE_MINTED_TOKENS = _delete("identity.minted_tokens", "expires_at", MINTED_DAYS)
