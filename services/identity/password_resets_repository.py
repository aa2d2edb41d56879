"""Password resets in SQL: one live token an account, spent by one guarded statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW

#: Minutes that a reset token is good for.
RESET_MINUTES = 30


def add(session: Session, values: dict[str, Any], known: bool) -> None:
    """Write a token in the place of the account's live one; for an unknown account do the same to nobody's row."""
    session.execute(_SPEND_OTHERS, values)
    session.execute(_ADD, {**values, "known": known})


def find_live(session: Session, token_hash: bytes, now: Any) -> Row[Any] | None:
    """Whose password a live token may set: `user_id, first_name, last_name, email, email_canonical, phone, …`."""
    return session.execute(_FIND, {"hash": token_hash, "now": now}).one_or_none()


def carry_out(session: Session, values: dict[str, Any]) -> bool:
    """Spend the token and store the new password's hash; False when the token is not live any more."""
    return session.execute(_CARRY_OUT, values).one_or_none() is not None


_SPEND_OTHERS = text(
    f"UPDATE identity.password_reset_tokens SET spent_at = {NOW}"  # noqa: S608 - constants of this project
    " WHERE user_id = :user_id AND spent_at IS NULL"
)
_ADD = text(
    f"""
    INSERT INTO identity.password_reset_tokens (id, user_id, hash, created_at, expires_at)
    SELECT :id, :user_id, :hash, {NOW}, {NOW} + interval '{RESET_MINUTES} minutes' WHERE cast(:known AS boolean)
    """
)
_LIVE = f"t.hash = :hash AND t.spent_at IS NULL AND t.expires_at > {NOW}"
_FIND = text(
    f"""
    SELECT u.id AS user_id, u.first_name, u.last_name, u.email_canonical, u.phone AS any_phone, u.language,
           CASE WHEN u.email_verified OR u.registered_with = 'email' THEN u.email END AS email,
           CASE WHEN u.phone_verified OR u.registered_with = 'phone' THEN u.phone END AS phone
      FROM identity.password_reset_tokens t JOIN identity.users u ON u.id = t.user_id
     WHERE {_LIVE} AND u.is_active
    """  # noqa: S608
)
_CARRY_OUT = text(
    f"""
    WITH spent AS (
        UPDATE identity.password_reset_tokens t SET spent_at = {NOW}
          FROM identity.users u
         WHERE {_LIVE} AND u.id = t.user_id AND u.is_active
        RETURNING t.user_id
    )
    UPDATE identity.credentials c SET hash = :text, parameters = :parameters, changed_at = {NOW}
      FROM spent WHERE c.user_id = spent.user_id
    RETURNING c.user_id
    """  # noqa: S608
)
