"""SQL of the identifiers of accounts: find, lock, verify, set and remove them."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.identifiers import Identifier
from services.identity.status import IdentifierKind


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
    registered_with: str
    #: the identifier that was proven by a code without a session (`services.identity.ownership`)
    claimed_with: str | None

    def is_verified(self, kind: IdentifierKind) -> bool:
        """Whether the account's identifier of this kind is verified."""
        return self.email_verified if kind is IdentifierKind.EMAIL else self.phone_verified

    def address(self, kind: IdentifierKind) -> str | None:
        """What messages to the account's identifier of this kind are sent to."""
        return self.email if kind is IdentifierKind.EMAIL else self.phone

    def kind_of(self, canonical: str) -> IdentifierKind | None:
        """The kind of the account's identifier with this canonical form; None when it is not the account's."""
        found = {self.email_canonical: IdentifierKind.EMAIL, self.phone: IdentifierKind.PHONE}
        return found.get(canonical)


def find_account(tx: Executor, email_canonical: str | None, phone: str | None) -> Account | None:
    """The active account that has one of the two identifiers."""
    return tx.fetch_one(_FIND_ACCOUNT, {"email": email_canonical, "phone": phone}, into=Account)


def lock(tx: Executor, user_id: UUID) -> Account | None:
    """The active account with this id, locked: sign-ins and changes of its identifiers or password run one by one."""
    return tx.fetch_one(_LOCK, {"user_id": user_id}, into=Account)


def verify(tx: Executor, user_id: UUID, kind: IdentifierKind, claimed_with: str | None) -> None:
    """Mark the identifier of this kind as verified; `claimed_with` as in `Account`."""
    tx.execute(_VERIFY[kind], {"user_id": user_id, "claimed_with": claimed_with})


def set_identifier(tx: Executor, user_id: UUID, identifier: Identifier, claimed_with: str | None) -> bool:
    """Set a verified identifier; False when another account has it. The unique index decides a race."""
    values = {
        "user_id": user_id,
        "address": identifier.address,
        "identifier": identifier.canonical,
        "claimed_with": claimed_with,
    }
    return tx.fetch_one(_SET[identifier.kind], values) is not None


def remove(tx: Executor, user_id: UUID, kind: IdentifierKind, claimed_with: str | None) -> None:
    """Remove the identifier of this kind; it must not be the last one."""
    tx.execute(_REMOVE[kind], {"user_id": user_id, "claimed_with": claimed_with})


_ACCOUNT = (
    "u.id, u.email, u.phone, u.email_verified, u.phone_verified, u.email_canonical, u.language, u.registered_with,"
    " u.claimed_with"
)
_FIND_ACCOUNT = f"""
    SELECT {_ACCOUNT} FROM identity.users u
     WHERE u.is_active AND (u.email_canonical = cast(%(email)s AS text) OR u.phone = cast(%(phone)s AS text))
    """  # noqa: S608 - only constants of this project
_LOCK = f"SELECT {_ACCOUNT} FROM identity.users u WHERE u.is_active AND u.id = %(user_id)s FOR NO KEY UPDATE"  # noqa: S608 - only constants of this project
_CLAIM_OF_OWN = f"claimed_with = cast(%(claimed_with)s AS text), updated_at = {NOW} WHERE id = %(user_id)s"
_VERIFY = {
    kind: f"UPDATE identity.users SET {kind}_verified = true, {_CLAIM_OF_OWN}"  # noqa: S608 - only constants of this project
    for kind in IdentifierKind
}
_SET = {
    IdentifierKind.EMAIL: f"""
        UPDATE identity.users
           SET email = %(address)s, email_canonical = %(identifier)s, email_verified = true, {_CLAIM_OF_OWN}
           AND NOT EXISTS (SELECT FROM identity.users o WHERE o.email_canonical = %(identifier)s
               AND o.id <> %(user_id)s)
        RETURNING 1
        """,  # noqa: S608 - only constants of this project
    IdentifierKind.PHONE: f"""
        UPDATE identity.users SET phone = %(identifier)s, phone_verified = true, {_CLAIM_OF_OWN}
           AND NOT EXISTS (SELECT FROM identity.users o WHERE o.phone = %(identifier)s AND o.id <> %(user_id)s)
        RETURNING 1
        """,  # noqa: S608 - only constants of this project
}
_REMOVE = {
    IdentifierKind.EMAIL: (
        f"UPDATE identity.users SET email = NULL, email_canonical = NULL, email_verified = false, {_CLAIM_OF_OWN}"  # noqa: S608 - only constants of this project
    ),
    IdentifierKind.PHONE: f"UPDATE identity.users SET phone = NULL, phone_verified = false, {_CLAIM_OF_OWN}",  # noqa: S608 - only constants of this project
}
