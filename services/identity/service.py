"""Accounts: registration, profile, contacts, enabling and disabling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, retried
from services.errors import AlreadyRegistered, Invalid, NotFound
from services.identity import repository, sessions_repository
from services.identity.identifiers import email_address, phone_number, read_identifier
from services.identity.names import checked_last_name, checked_name
from services.identity.password_strength import personal_words
from services.identity.passwords import PasswordHash, PasswordHasher
from services.identity.repository import NewAccount
from services.identity.status import IdentifierKind, SessionEnd
from services.identity.views import Account, Contact, FoundProfile, Holder, Profile, RegisterUser

#: The languages that messages to people are available in.
LANGUAGES = ("ru", "en")

_log = structlog.get_logger(__name__)


class IdentityService:
    """Accounts; sessions belong to `SignIn`."""

    def __init__(self, database: Database, passwords: PasswordHasher, phone_region: str) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._database, self._passwords = database, passwords
        self._phone_region = phone_region

    def register(self, wanted: RegisterUser) -> Profile:
        """Create an account with one e-mail address or one phone number.

        Raises Invalid, PasswordTooWeak, AlreadyRegistered; Unavailable when the queue of the hasher is full.
        """
        account = self._checked(wanted)
        self._require_free(account)
        profile = self._add_account(account, self._passwords.hash(wanted.password))
        if profile is None:
            raise _taken()
        _log.info("identity.registered", user_id=str(profile.id), registered_with=account.registered_with)
        return profile

    def profile(self, user_id: UUID) -> Profile:
        """The profile of an account. Raises NotFound."""
        profile = repository.find_profile(self._database, user_id)
        if profile is None:
            raise NotFound("There is no such user.")
        return profile

    def account(self, name: str) -> Account:
        """The account that a person names by its id, e-mail address or phone number. Raises Invalid, NotFound."""
        found = repository.find_account(self._database, *self._read_name(name.strip()))
        if found is None:
            raise NotFound("There is no such user.")
        return replace(found, sessions=sessions_repository.count_live(self._database, found.id))

    def holder(self, identifier: str) -> Holder | None:
        """The account with this e-mail address or E.164 number; None when there is none, or it is neither."""
        try:
            _, email, phone = self._read_name(identifier)
        except Invalid:
            return None
        found = repository.find_account(self._database, None, email, phone)
        return Holder(found.id, found.email_verified if email else found.phone_verified) if found else None

    def find(self, email: str | None, phone: str | None) -> FoundProfile:
        """The account that has exactly this identifier, verified or not; one of the two is given.

        Raises Invalid, NotFound.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        found = repository.find_profile_by(self._database, identifier.email_canonical, identifier.phone)
        if found is None:
            raise NotFound("There is no such user.")
        return found

    @retried
    def rename(self, user_id: UUID, first_name: str | None, last_name: str | None) -> Profile:
        """Change one name or both (None: unchanged) in one statement, so that two parallel changes never mix.

        Raises Invalid, NotFound.
        """
        first_name = checked_name(first_name, "/firstName") if first_name is not None else None
        last_name = checked_last_name(last_name) if last_name is not None else None
        profile = repository.rename(self._database, user_id, first_name, last_name)
        if profile is None:
            raise NotFound("There is no such user.")
        return profile

    def contacts(self, user_ids: Sequence[UUID]) -> dict[UUID, Contact]:
        """Where messages are sent: the identifier used at registration, and the other one only when it is verified.

        Unknown users are left out.
        """
        return repository.find_contacts(self._database, user_ids)

    @retried
    def set_active(self, user_id: UUID, active: bool) -> None:
        """Enable or disable an account; disabling ends its sessions, and enabling does not restore them.

        Raises NotFound.
        """
        with self._database.transaction() as tx:
            if not repository.set_active(tx, user_id, active):
                raise NotFound("There is no such user.")
            ended = 0 if active else sessions_repository.end_sessions(tx, user_id, SessionEnd.DISABLED)
        _log.info("identity.active_changed", user_id=str(user_id), active=active, sessions_ended=ended)

    def _read_name(self, name: str) -> tuple[UUID | None, str | None, str | None]:
        """Id, canonical e-mail address and phone number: one of them is given."""
        if "@" in name:
            return None, email_address(name).canonical, None
        try:
            return UUID(name), None, None
        except ValueError:
            return None, None, phone_number(name, self._phone_region)

    def _checked(self, wanted: RegisterUser) -> NewAccount:
        if (wanted.email is None) == (wanted.phone is None):
            raise Invalid("Register with either an e-mail address or a phone number.")
        if wanted.language not in LANGUAGES:
            raise Invalid(f"The language must be one of: {', '.join(LANGUAGES)}.", pointer="/language")
        first = checked_name(wanted.first_name, "/firstName")
        last = checked_last_name(wanted.last_name)
        identifier = read_identifier(wanted.email, wanted.phone, self._phone_region)
        self._passwords.require_strong(wanted.password, personal_words(first, last, identifier.canonical))
        return NewAccount(
            id=new_id(),
            first_name=first,
            last_name=last,
            email=identifier.address if identifier.kind is IdentifierKind.EMAIL else None,
            email_canonical=identifier.email_canonical,
            phone=identifier.phone,
            registered_with=identifier.kind,
            language=wanted.language,
        )

    def _require_free(self, account: NewAccount) -> None:
        # Avoids computing a hash for a taken identifier; the unique indexes decide.
        if repository.is_taken(self._database, account.email_canonical, account.phone):
            raise _taken()

    # The retry does not include the hash: a busy database is tried again, a full hasher queue is not.
    @retried
    def _add_account(self, account: NewAccount, password: PasswordHash) -> Profile | None:
        with self._database.transaction() as tx:
            return repository.add_account(tx, account, password)


def _taken() -> AlreadyRegistered:
    return AlreadyRegistered("There is an account for this already: sign in, or reset its password.")
