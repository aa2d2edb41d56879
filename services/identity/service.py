"""IdentityService: who has an account, who is signed in, and who a token speaks for."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import AlreadyRegistered, Invalid, InvalidCredentials, NotFound, Unauthenticated, Unavailable
from services.identity import repository
from services.identity.identifiers import email_address, phone_number
from services.identity.models import Identifier, SessionEnd
from services.identity.names import checked_name
from services.identity.passwords import PasswordHasher
from services.identity.strength import MAX_PASSWORD, refuse_weak
from services.identity.tokens import ACCESS_LIFETIME, AccessTokens, Claims
from services.identity.views import Caller, CallerKind, Contact, Profile, RegisterUser, Tokens

#: What messages to people are written in.
LANGUAGES = ("ru", "en")

_log = structlog.get_logger(__name__)


class IdentityService:
    """Accounts, sign-in and the check that every request begins with."""

    def __init__(
        self, sessions: Sessions, passwords: PasswordHasher, tokens: AccessTokens, clock: Clock, phone_region: str
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._sessions, self._passwords, self._tokens = sessions, passwords, tokens
        self._clock, self._phone_region = clock, phone_region

    def register(self, wanted: RegisterUser) -> Profile:
        """Make an account known by one e-mail address or one phone.

        Raises Invalid, PasswordTooWeak, AlreadyRegistered; Unavailable when too many passwords wait to be hashed.
        """
        user = self._checked(wanted)
        self._require_free(user)
        hashed = self._passwords.hash(wanted.password)
        row = self._add_user({**user, "hash": hashed.text, "parameters": hashed.parameters})
        if row is None:
            raise _taken()
        _log.info("identity.registered", user_id=str(row.id), registered_with=user["registered_with"])
        return Profile(**row._mapping)

    def login(self, email: str | None, phone: str | None, password: str) -> Tokens:
        """Sign in by either identifier, verified or not.

        Raises Invalid for what is no identifier; one InvalidCredentials, as slow in every case, for an unknown or
        disabled account and a wrong password; Unavailable when too many passwords wait to be checked.
        """
        found = self._find_credential(email, phone)
        seen_hash = found.hash if found else None
        if len(password) > MAX_PASSWORD or not self._passwords.verify(seen_hash, password) or found is None:
            raise _mismatch()
        seen_hash = self._refreshed(found.user_id, found.hash, password)
        return self._open_session(found.user_id, seen_hash)

    def authenticate(self, access_token: str) -> Caller:
        """Who calls, after one look at the session and its user. Raises Unauthenticated, always with the same words."""
        claims = self._tokens.read(access_token)
        if claims.session is None:
            return _minted(claims)
        try:
            user_id, session_id = UUID(claims.subject), UUID(claims.session)
        except ValueError:
            raise _unknown() from None
        with self._sessions.begin() as session:
            role = repository.find_live_role(session, session_id, user_id, self._clock.override())
        if role is None:
            raise _unknown()
        return Caller(CallerKind(role), user_id, session_id, role)

    def profile(self, user_id: UUID) -> Profile:
        """A user's own fields. Raises NotFound."""
        with self._sessions.begin() as session:
            row = repository.find_profile(session, user_id)
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
            ended = 0 if active else repository.end_sessions(session, user_id, SessionEnd.DISABLED, now)
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
        refuse_weak(wanted.password, [first, last, known, *known.split("@")])
        return {
            "id": new_id(),
            "first_name": first,
            "last_name": last,
            "email": email.address if email else None,
            "email_canonical": email.canonical if email else None,
            "phone": phone,
            "registered_with": Identifier.EMAIL if email else Identifier.PHONE,
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

    def _find_credential(self, email: str | None, phone: str | None) -> Any:
        if (email is None) == (phone is None):
            raise Invalid("Sign in with an e-mail address or a phone, not both.")
        canonical = email_address(email).canonical if email is not None else None
        number = phone_number(phone, self._phone_region) if phone is not None else None
        with self._sessions.begin() as session:
            return repository.find_credential(session, canonical, number)

    def _refreshed(self, user_id: UUID, seen_hash: str, password: str) -> str:
        if not self._passwords.is_outdated(seen_hash):
            return seen_hash
        # A full queue must not fail a login that is already proven: the next one will do it.
        with suppress(Unavailable):
            hashed = self._passwords.hash(password)
            with self._sessions.begin() as session:
                replaced = repository.replace_hash(session, user_id, seen_hash, hashed.text, hashed.parameters)
            return hashed.text if replaced else seen_hash
        return seen_hash

    @retried
    def _open_session(self, user_id: UUID, seen_hash: str) -> Tokens:
        session_id, refresh_token = new_id(), secrets.token_urlsafe(32)
        values = {
            "user_id": user_id,
            "seen_hash": seen_hash,
            "session_id": session_id,
            "token_id": new_id(),
            "token_hash": hashlib.sha256(refresh_token.encode()).digest(),
            "now": self._clock.override(),
        }
        with self._sessions.begin() as session:
            opened = repository.open_session(session, values)
        if opened is None:
            raise _mismatch()
        return Tokens(self._tokens.issue(user_id, session_id, opened.role), refresh_token, ACCESS_LIFETIME)


def _minted(claims: Claims) -> Caller:
    if claims.role not in (CallerKind.SERVICE, CallerKind.OPERATOR):
        raise _unknown()
    return Caller(CallerKind(claims.role), None, None, claims.role, claims.scopes)


def _taken() -> AlreadyRegistered:
    return AlreadyRegistered("There is an account for this already: sign in, or reset its password.")


def _mismatch() -> InvalidCredentials:
    return InvalidCredentials("Identifier and password do not match.")


def _unknown() -> Unauthenticated:
    return Unauthenticated("A valid access token is needed: sign in.")
