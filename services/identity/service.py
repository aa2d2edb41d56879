"""IdentityService: who has an account, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import AlreadyRegistered, Invalid, NotFound
from services.identity import repository, sessions_repository
from services.identity.identifiers import email_address, phone_number
from services.identity.names import checked_name
from services.identity.password_strength import require_strong
from services.identity.passwords import PasswordHasher
from services.identity.status import IdentifierKind, SessionEnd
from services.identity.views import Contact, Profile, RegisterUser

#: What messages to people are written in.
LANGUAGES = ("ru", "en")

_log = structlog.get_logger(__name__)


class IdentityService:
    """Accounts; being signed in is a matter of its own."""

    def __init__(self, sessions: Sessions, passwords: PasswordHasher, clock: Clock, phone_region: str) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._sessions, self._passwords = sessions, passwords
        self._clock, self._phone_region = clock, phone_region

    def register(self, wanted: RegisterUser) -> Profile:
        """Make an account known by one e-mail address or one phone.

        Raises Invalid, PasswordTooWeak, AlreadyRegistered; Unavailable when too many passwords wait to be hashed.
        """
        user = self._checked(wanted)
        self._require_free(user)
        password = self._passwords.hash(wanted.password)
        row = self._add_user({**user, "hash": password.text, "parameters": password.parameters})
        if row is None:
            raise _taken()
        _log.info("identity.registered", user_id=str(row.id), registered_with=user["registered_with"])
        return Profile(**row._mapping)

    def profile(self, user_id: UUID) -> Profile:
        """A user's own fields. Raises NotFound."""
        with self._sessions.begin() as session:
            row = repository.find_profile(session, user_id)
        if row is None:
            raise NotFound("There is no such user.")
        return Profile(**row._mapping)

    @retried
    def rename(self, user_id: UUID, first_name: str | None, last_name: str | None) -> Profile:
        """Change one name or both (None: as it is); in one statement, so that two at once never mix.

        Raises Invalid, NotFound.
        """
        values = {
            "user_id": user_id,
            "first_name": checked_name(first_name, "/firstName") if first_name is not None else None,
            "last_name": checked_name(last_name, "/lastName") if last_name is not None else None,
            "now": self._clock.override(),
        }
        with self._sessions.begin() as session:
            row = repository.rename(session, values)
        if row is None:
            raise NotFound("There is no such user.")
        return Profile(**row._mapping)

    def contacts(self, user_ids: Sequence[UUID]) -> dict[UUID, Contact]:
        """Where news of orders goes: the identifier registered with, and another only once verified.

        Unknown users are left out.
        """
        with self._sessions.begin() as session:
            rows = repository.find_contacts(session, user_ids)
        return {row.id: Contact(row.email, row.phone, row.first_name, row.language) for row in rows}

    @retried
    def set_active(self, user_id: UUID, active: bool) -> None:
        """Enable or disable an account; disabling ends its sessions at once and for good. Raises NotFound."""
        now = self._clock.override()
        with self._sessions.begin() as session:
            if not repository.set_active(session, user_id, active, now):
                raise NotFound("There is no such user.")
            ended = 0 if active else sessions_repository.end_sessions(session, user_id, SessionEnd.DISABLED, now)
        _log.info("identity.switched", user_id=str(user_id), active=active, sessions_ended=ended)

    def _checked(self, wanted: RegisterUser) -> dict[str, Any]:
        if (wanted.email is None) == (wanted.phone is None):
            raise Invalid("An account begins with an e-mail address or a phone, not both.")
        if wanted.language not in LANGUAGES:
            raise Invalid(f"Messages are written in {' and '.join(LANGUAGES)} only.", pointer="/language")
        first = checked_name(wanted.first_name, "/firstName")
        last = checked_name(wanted.last_name, "/lastName")
        email = email_address(wanted.email) if wanted.email is not None else None
        phone = phone_number(wanted.phone, self._phone_region) if wanted.phone is not None else None
        known = email.canonical if email else str(phone)
        require_strong(wanted.password, [first, last, known, *known.split("@")])
        return {
            "id": new_id(),
            "first_name": first,
            "last_name": last,
            "email": email.address if email else None,
            "email_canonical": email.canonical if email else None,
            "phone": phone,
            "registered_with": IdentifierKind.EMAIL if email else IdentifierKind.PHONE,
            "language": wanted.language,
        }

    def _require_free(self, user: dict[str, Any]) -> None:
        # Saves the hash; the unique indexes decide.
        with self._sessions.begin() as session:
            if repository.is_taken(session, user["email_canonical"], user["phone"]):
                raise _taken()

    # Retried without what was hashed before it: a full queue is answered at once, a busy database tried again.
    @retried
    def _add_user(self, user: dict[str, Any]) -> Any:
        with self._sessions.begin() as session:
            return repository.add_user(session, user)


def _taken() -> AlreadyRegistered:
    return AlreadyRegistered("There is an account for this already: sign in, or reset its password.")
