"""Codes in SQL: one live per purpose, every guess counted before it is compared, each good for one use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlmodel import Session

from services.clock import NOW

#: Minutes that a code is good for, and guesses at one code.
CODE_MINUTES = 10
MAX_GUESSES = 5


def find_account(session: Session, email_canonical: str | None, phone: str | None) -> Row[Any] | None:
    """`id, email, phone, email_verified, phone_verified, language` of the active account known by one of the two."""
    return session.execute(_FIND_ACCOUNT, {"email": email_canonical, "phone": phone}).one_or_none()


def find_own(session: Session, user_id: UUID) -> Row[Any] | None:
    """The same of an active account by its id, with `email_canonical`."""
    return session.execute(_FIND_OWN, {"user_id": user_id}).one_or_none()


def replace_code(session: Session, values: dict[str, Any]) -> None:
    """Write a code in the place of the live one of its purpose."""
    session.execute(_SPEND_VERIFY if values["kind"].startswith("verify") else _SPEND_CHANGE, values)
    session.execute(_ADD, values)


def count_guess(session: Session, identifier: str, kinds: Sequence[str], now: Any) -> Sequence[Row[Any]]:
    """Count a guess at every live code for an identifier that may still be guessed at; `id, user_id, kind, hash`."""
    return session.execute(_COUNT, {"identifier": identifier, "kinds": list(kinds), "now": now}).all()


def spend(session: Session, token_id: UUID, now: Any) -> bool:
    """Use a code up; False when it was used or replaced meanwhile."""
    return session.execute(_SPEND, {"id": token_id, "now": now}).one_or_none() is not None


def verify_email(session: Session, user_id: UUID, canonical: str, now: Any) -> bool:
    """The account's own address is proven; False when it has another one by now."""
    values = {"user_id": user_id, "identifier": canonical, "now": now}
    return session.execute(_VERIFY_EMAIL, values).one_or_none() is not None


def verify_phone(session: Session, user_id: UUID, phone: str, now: Any) -> bool:
    """The account's own number is proven; False when it has another one by now."""
    values = {"user_id": user_id, "identifier": phone, "now": now}
    return session.execute(_VERIFY_PHONE, values).one_or_none() is not None


def give_email(session: Session, user_id: UUID, address: str, canonical: str, now: Any) -> bool:
    """The account has this address now, proven; False when another account has it. The index decides a race."""
    values = {"user_id": user_id, "address": address, "identifier": canonical, "now": now}
    return session.execute(_GIVE_EMAIL, values).one_or_none() is not None


def give_phone(session: Session, user_id: UUID, phone: str, now: Any) -> bool:
    """The account has this number now, proven; False when another account has it. The index decides a race."""
    values = {"user_id": user_id, "identifier": phone, "now": now}
    return session.execute(_GIVE_PHONE, values).one_or_none() is not None


_ACCOUNT = "u.id, u.email, u.phone, u.email_verified, u.phone_verified, u.email_canonical, u.language"
_FIND_ACCOUNT = text(
    f"""
    SELECT {_ACCOUNT} FROM identity.users u
     WHERE u.is_active AND (u.email_canonical = cast(:email AS text) OR u.phone = cast(:phone AS text))
    """  # noqa: S608 - constants of this module
)
_FIND_OWN = text(f"SELECT {_ACCOUNT} FROM identity.users u WHERE u.is_active AND u.id = :user_id")  # noqa: S608
_SPEND_VERIFY = text(
    f"UPDATE identity.tokens SET spent_at = {NOW}"  # noqa: S608
    " WHERE identifier = :identifier AND kind = :kind AND spent_at IS NULL"
)
_SPEND_CHANGE = text(
    f"UPDATE identity.tokens SET spent_at = {NOW}"  # noqa: S608
    " WHERE user_id = :user_id AND kind = :kind AND spent_at IS NULL"
)
_ADD = text(
    f"""
    INSERT INTO identity.tokens (id, user_id, kind, hash, identifier, created_at, expires_at)
    VALUES (:id, cast(:user_id AS uuid), :kind, :hash, :identifier, {NOW}, {NOW} + interval '{CODE_MINUTES} minutes')
    """  # noqa: S608
)
_COUNT = text(
    f"""
    UPDATE identity.tokens SET attempts = attempts + 1
     WHERE identifier = :identifier AND kind = ANY(:kinds) AND spent_at IS NULL AND expires_at > {NOW}
       AND attempts < {MAX_GUESSES}
    RETURNING id, user_id, kind, hash
    """  # noqa: S608
)
_SPEND = text(f"UPDATE identity.tokens SET spent_at = {NOW} WHERE id = :id AND spent_at IS NULL RETURNING 1")  # noqa: S608
_OWN = "WHERE id = :user_id AND is_active"
_VERIFY_EMAIL = text(
    f"UPDATE identity.users SET email_verified = true, updated_at = {NOW}"  # noqa: S608
    f" {_OWN} AND email_canonical = :identifier RETURNING 1"
)
_VERIFY_PHONE = text(
    f"UPDATE identity.users SET phone_verified = true, updated_at = {NOW}"  # noqa: S608
    f" {_OWN} AND phone = :identifier RETURNING 1"
)
_GIVE_EMAIL = text(
    f"""
    UPDATE identity.users SET email = :address, email_canonical = :identifier, email_verified = true, updated_at = {NOW}
     {_OWN} AND NOT EXISTS (SELECT FROM identity.users o WHERE o.email_canonical = :identifier AND o.id <> :user_id)
    RETURNING 1
    """  # noqa: S608
)
_GIVE_PHONE = text(
    f"""
    UPDATE identity.users SET phone = :identifier, phone_verified = true, updated_at = {NOW}
     {_OWN} AND NOT EXISTS (SELECT FROM identity.users o WHERE o.phone = :identifier AND o.id <> :user_id)
    RETURNING 1
    """  # noqa: S608
)
