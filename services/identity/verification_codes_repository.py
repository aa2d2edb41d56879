"""SQL of verification codes: one live code per purpose, single use, each guess counted before it is compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.status import IdentifierKind, TokenKind

#: Minutes for which a code is valid.
CODE_MINUTES = 10
#: Guesses at one code.
MAX_GUESSES = 5


@dataclass(frozen=True)
class Account:
    """An active account's identifiers and language."""

    id: UUID
    email: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    email_verified: bool
    phone_verified: bool
    email_canonical: str | None = field(repr=False)
    language: str

    def is_verified(self, kind: IdentifierKind) -> bool:
        """Whether the account's identifier of this kind is verified."""
        return self.email_verified if kind is IdentifierKind.EMAIL else self.phone_verified


@dataclass(frozen=True)
class NewCode:
    """A code to store; `user_id` is None when it was requested for an unknown identifier."""

    id: UUID
    user_id: UUID | None
    kind: TokenKind
    hash: bytes = field(repr=False)
    identifier: str = field(repr=False)


@dataclass(frozen=True)
class StoredCode:
    """A live code that a guess was counted for."""

    id: UUID
    user_id: UUID | None
    kind: str
    hash: bytes = field(repr=False)


def find_account(tx: Executor, email_canonical: str | None, phone: str | None) -> Account | None:
    """The active account that has one of the two identifiers."""
    return tx.fetch_one(_FIND_ACCOUNT, {"email": email_canonical, "phone": phone}, into=Account)


def find_own(tx: Executor, user_id: UUID) -> Account | None:
    """The active account with this id."""
    return tx.fetch_one(_FIND_OWN, {"user_id": user_id}, into=Account)


def replace_code(tx: Executor, code: NewCode) -> None:
    """Insert a code and invalidate the live one of the same purpose."""
    values = {**vars(code), "kind": str(code.kind)}
    tx.execute(_SPEND_VERIFY if code.kind.startswith("verify") else _SPEND_CHANGE, values)
    tx.execute(_ADD, values)


def count_guess(tx: Executor, identifier: str, kinds: Sequence[str]) -> list[StoredCode]:
    """Count a guess at every live code for an identifier that has guesses left; returns these codes."""
    return tx.fetch_all(_COUNT, {"identifier": identifier, "kinds": list(kinds)}, into=StoredCode)


def spend(tx: Executor, token_id: UUID) -> bool:
    """Invalidate a code that is used; False when it was used or replaced meanwhile."""
    return tx.fetch_one(_SPEND, {"id": token_id}) is not None


def verify_email(tx: Executor, user_id: UUID, canonical: str) -> bool:
    """Mark the account's e-mail address as verified; False when it has another one by now."""
    values = {"user_id": user_id, "identifier": canonical}
    return tx.fetch_one(_VERIFY_EMAIL, values) is not None


def verify_phone(tx: Executor, user_id: UUID, phone: str) -> bool:
    """Mark the account's phone number as verified; False when it has another one by now."""
    values = {"user_id": user_id, "identifier": phone}
    return tx.fetch_one(_VERIFY_PHONE, values) is not None


def set_email(tx: Executor, user_id: UUID, address: str, canonical: str) -> bool:
    """Set a verified e-mail address; False when another account has it. The unique index decides a race."""
    values = {"user_id": user_id, "address": address, "identifier": canonical}
    return tx.fetch_one(_SET_EMAIL, values) is not None


def set_phone(tx: Executor, user_id: UUID, phone: str) -> bool:
    """Set a verified phone number; False when another account has it. The unique index decides a race."""
    values = {"user_id": user_id, "identifier": phone}
    return tx.fetch_one(_SET_PHONE, values) is not None


_ACCOUNT = "u.id, u.email, u.phone, u.email_verified, u.phone_verified, u.email_canonical, u.language"
_FIND_ACCOUNT = f"""
    SELECT {_ACCOUNT} FROM identity.users u
     WHERE u.is_active AND (u.email_canonical = cast(%(email)s AS text) OR u.phone = cast(%(phone)s AS text))
    """  # noqa: S608 - only constants of this project
_FIND_OWN = f"SELECT {_ACCOUNT} FROM identity.users u WHERE u.is_active AND u.id = %(user_id)s"  # noqa: S608 - only constants of this project
_SPEND_VERIFY = (
    f"UPDATE identity.tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE identifier = %(identifier)s AND kind = %(kind)s AND spent_at IS NULL"
)
_SPEND_CHANGE = (
    f"UPDATE identity.tokens SET spent_at = {NOW}"  # noqa: S608 - only constants of this project
    " WHERE user_id = %(user_id)s AND kind = %(kind)s AND spent_at IS NULL"
)
_ADD = f"""
    INSERT INTO identity.tokens (id, user_id, kind, hash, identifier, created_at, expires_at)
    VALUES (%(id)s, cast(%(user_id)s AS uuid), %(kind)s, %(hash)s, %(identifier)s, {NOW},
           {NOW} + interval '{CODE_MINUTES} minutes')
    """  # noqa: S608 - only constants of this project
_COUNT = f"""
    UPDATE identity.tokens SET attempts = attempts + 1
     WHERE identifier = %(identifier)s AND kind = ANY(%(kinds)s) AND spent_at IS NULL AND expires_at > {NOW}
       AND attempts < {MAX_GUESSES}
    RETURNING id, user_id, kind, hash
    """  # noqa: S608 - only constants of this project
_SPEND = f"UPDATE identity.tokens SET spent_at = {NOW} WHERE id = %(id)s AND spent_at IS NULL RETURNING 1"  # noqa: S608 - only constants of this project
_OWN = "WHERE id = %(user_id)s AND is_active"
_VERIFY_EMAIL = (
    f"UPDATE identity.users SET email_verified = true, updated_at = {NOW}"  # noqa: S608 - only constants of this project
    f" {_OWN} AND email_canonical = %(identifier)s RETURNING 1"
)
_VERIFY_PHONE = (
    f"UPDATE identity.users SET phone_verified = true, updated_at = {NOW}"  # noqa: S608 - only constants of this project
    f" {_OWN} AND phone = %(identifier)s RETURNING 1"
)
_SET_EMAIL = f"""
    UPDATE identity.users SET email = %(address)s, email_canonical = %(identifier)s, email_verified = true,
        updated_at = {NOW}
     {_OWN} AND NOT EXISTS (SELECT FROM identity.users o WHERE o.email_canonical = %(identifier)s
         AND o.id <> %(user_id)s)
    RETURNING 1
    """  # noqa: S608 - only constants of this project
_SET_PHONE = f"""
    UPDATE identity.users SET phone = %(identifier)s, phone_verified = true, updated_at = {NOW}
     {_OWN} AND NOT EXISTS (SELECT FROM identity.users o WHERE o.phone = %(identifier)s AND o.id <> %(user_id)s)
    RETURNING 1
    """  # noqa: S608 - only constants of this project
