"""SQL of accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.identity.passwords import PasswordHash
from services.identity.status import IdentifierKind, Role
from services.identity.views import Account, Contact, FoundProfile, Profile


@dataclass(frozen=True)
class NewAccount:
    """A validated account to insert."""

    id: UUID
    first_name: str = field(repr=False)
    last_name: str = field(repr=False)
    email: str | None = field(repr=False)
    email_canonical: str | None = field(repr=False)
    phone: str | None = field(repr=False)
    registered_with: IdentifierKind
    language: str


def is_taken(tx: Executor, email_canonical: str | None, phone: str | None) -> bool:
    """Whether an account has one of the two identifiers."""
    found = tx.fetch_one(_TAKEN, {"email": email_canonical, "phone": phone})
    return found is not None


def add_account(tx: Executor, account: NewAccount, password: PasswordHash) -> Profile | None:
    """Insert account and credential in one statement; None when the identifier is taken."""
    values = {**vars(account), "hash": password.text, "parameters": password.parameters}
    return tx.fetch_one(_ADD_ACCOUNT, values, into=Profile)


def find_profile(tx: Executor, user_id: UUID) -> Profile | None:
    """The profile of an account."""
    return tx.fetch_one(_PROFILE, {"user_id": user_id}, into=Profile)


def find_account(tx: Executor, user_id: UUID | None, email_canonical: str | None, phone: str | None) -> Account | None:
    """The account with this id, or with one of the two identifiers."""
    values = {"user_id": user_id, "email": email_canonical, "phone": phone}
    return tx.fetch_one(_ACCOUNT, values, into=Account)


def find_profile_by(tx: Executor, email_canonical: str | None, phone: str | None) -> FoundProfile | None:
    """The profile of the account with one of the two identifiers."""
    return tx.fetch_one(_PROFILE_BY, {"email": email_canonical, "phone": phone}, into=FoundProfile)


def rename(tx: Executor, user_id: UUID, first_name: str | None, last_name: str | None) -> Profile | None:
    """Change the names that are not None; returns the new profile, None when there is no such account."""
    values = {"user_id": user_id, "first_name": first_name, "last_name": last_name}
    return tx.fetch_one(_RENAME, values, into=Profile)


def find_contacts(tx: Executor, user_ids: Sequence[UUID]) -> dict[UUID, Contact]:
    """The contacts of accounts by id; an identifier is left out where messages may not be sent to it."""
    rows = tx.fetch_all(_CONTACTS, {"user_ids": list(user_ids)})
    return {
        row.id: Contact(row.email, row.phone, row.first_name, row.language, row.email_verified, row.phone_verified)
        for row in rows
    }


def set_active(tx: Executor, user_id: UUID, active: bool) -> bool:
    """Enable or disable an account; False when there is none."""
    found = tx.fetch_one(_SET_ACTIVE, {"user_id": user_id, "active": active})
    return found is not None


def set_role(tx: Executor, user_id: UUID, role: Role) -> bool:
    """Set the role of an account; False when there is none."""
    return tx.fetch_one(_SET_ROLE, {"user_id": user_id, "role": role}) is not None


_PROFILE_COLUMNS = "id, first_name, last_name, email, phone, email_verified, phone_verified"
_TAKEN = """
    SELECT 1 FROM identity.users WHERE email_canonical = cast(%(email)s AS text)
     OR phone = cast(%(phone)s AS text) LIMIT 1
    """
# DO NOTHING covers both unique indexes: of many parallel registrations one succeeds, the others get no row.
_ADD_ACCOUNT = f"""
    WITH added AS (
        INSERT INTO identity.users
               (id, first_name, last_name, email, email_canonical, phone, registered_with, language)
        VALUES (%(id)s, %(first_name)s, %(last_name)s, %(email)s, %(email_canonical)s, %(phone)s,
               %(registered_with)s, %(language)s)
        ON CONFLICT DO NOTHING
        RETURNING {_PROFILE_COLUMNS}
    ), credential AS (
        INSERT INTO identity.credentials (user_id, hash, parameters) SELECT id, %(hash)s, %(parameters)s FROM added
    )
    SELECT * FROM added
    """  # noqa: S608 - only constants of this project
_PROFILE = f"SELECT {_PROFILE_COLUMNS} FROM identity.users WHERE id = %(user_id)s"  # noqa: S608 - only constants
_PROFILE_BY = f"""
    SELECT {_PROFILE_COLUMNS}, is_active, created_at FROM identity.users
     WHERE email_canonical = cast(%(email)s AS text) OR phone = cast(%(phone)s AS text)
    """  # noqa: S608 - only constants
_ACCOUNT = """
    SELECT id, email, phone, email_verified, phone_verified, role, is_active, created_at
      FROM identity.users
     WHERE id = cast(%(user_id)s AS uuid) OR email_canonical = cast(%(email)s AS text)
        OR phone = cast(%(phone)s AS text)
    """
_RENAME = f"""
    UPDATE identity.users
       SET first_name = coalesce(cast(%(first_name)s AS text), first_name),
           last_name = coalesce(cast(%(last_name)s AS text), last_name), updated_at = {NOW}
     WHERE id = %(user_id)s
    RETURNING {_PROFILE_COLUMNS}
    """  # noqa: S608 - only constants of this project
_CONTACTS = """
    SELECT id, first_name, language, email_verified, phone_verified,
           CASE WHEN email_verified OR registered_with = 'email' THEN email END AS email,
           CASE WHEN phone_verified OR registered_with = 'phone' THEN phone END AS phone
      FROM identity.users
     WHERE id = ANY(%(user_ids)s)
    """
_SET_ACTIVE = f"UPDATE identity.users SET is_active = %(active)s, updated_at = {NOW} WHERE id = %(user_id)s RETURNING 1"  # noqa: S608 - only constants of this project
_SET_ROLE = f"UPDATE identity.users SET role = %(role)s, updated_at = {NOW} WHERE id = %(user_id)s RETURNING 1"  # noqa: S608 - only constants of this project
