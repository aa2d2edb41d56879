"""SignIn: who is signed in, for how long, and who a token speaks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import (
    Invalid,
    InvalidCredentials,
    InvalidToken,
    NotFound,
    PasswordTooWeak,
    Unauthenticated,
    Unavailable,
)
from services.identity import credentials_repository, login_throttle_repository, repository, sessions_repository
from services.identity.access_tokens import ACCESS_LIFETIME, AccessTokens, Claims
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import email_address, phone_number
from services.identity.password_check import PasswordCheck
from services.identity.password_strength import normalized, require_strong
from services.identity.refresh_tokens import RefreshTokens, hash_token
from services.identity.sessions_repository import MAX_SESSIONS
from services.identity.status import IdentifierKind, SessionEnd
from services.identity.views import Caller, CallerKind, NewPassword, SessionView, Tokens

_MAX_CLIENT = 200

_log = structlog.get_logger(__name__)


class SignIn:
    """Sessions: begun by a password, kept alive by refresh tokens, ended from many sides."""

    def __init__(
        self,
        sessions: Sessions,
        check: PasswordCheck,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        messages: AccountMessages,
        clock: Clock,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._sessions, self._check, self._tokens, self._refresh_tokens = sessions, check, tokens, refresh_tokens
        self._messages, self._clock, self._phone_region = messages, clock, phone_region

    def login(self, email: str | None, phone: str | None, password: str, client: str | None = None) -> Tokens:
        """Sign in by either identifier, verified or not; `client` is what the browser or program calls itself.

        Raises Invalid for what is no identifier; one InvalidCredentials, as slow in every case, for an unknown,
        disabled or locked account and a wrong password; RateLimited after wrong ones; Unavailable when too many
        passwords wait to be checked.
        """
        subject, found = self._find(email, phone)
        if not self._check.matches(subject, found.hash if found else None, password) or found is None:
            raise _mismatch()
        seen_hash = self._renewed(found.user_id, found.hash, password)
        return self._open(found.user_id, seen_hash, subject, _shown(client))

    @retried
    def refresh(self, refresh_token: str, key: str | None = None) -> Tokens:
        """The next pair of a session; for 60 s the same pair again for the same token and key (Idempotency-Key).

        Raises InvalidToken, always with the same words; a token that was used before ends its session.
        """
        successor = self._refresh_tokens.successor(refresh_token, key)
        old_hash, now = hash_token(refresh_token), self._clock.override()
        values = {"old_hash": old_hash, "new_hash": hash_token(successor), "new_id": new_id(), "now": now}
        with self._sessions.begin() as session:
            row = sessions_repository.rotate(session, values)
            if row is None and key is not None:
                row = sessions_repository.find_repeated(session, values)
            reused = sessions_repository.end_reused(session, old_hash, now) if row is None else None
        if reused is not None:
            _log.warning("identity.refresh_token_reused", user_id=str(reused.user_id), session_id=str(reused.id))
        if row is None:
            raise InvalidToken("This refresh token is not valid (any more): sign in.")
        access = self._tokens.issue(row.user_id, row.session_id, row.role, at=row.made_at, jti=row.id)
        return Tokens(access, successor, ACCESS_LIFETIME)

    @retried
    def logout(self, refresh_token: str) -> None:
        """End the session of this token, whatever it is; with its session its access tokens end."""
        with self._sessions.begin() as session:
            sessions_repository.end_by_token(session, hash_token(refresh_token), self._clock.override())

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
            role = sessions_repository.find_live_role(session, session_id, user_id, self._clock.override())
        if role is None:
            raise _unknown()
        return Caller(CallerKind(role), user_id, session_id, role)

    def sessions(
        self, user_id: UUID, current: UUID | None, after: UUID | None = None, limit: int = MAX_SESSIONS
    ) -> Sequence[SessionView]:
        """The live sessions of an account, newest first, behind `after`."""
        values = {"user_id": user_id, "after": after, "limit": limit, "now": self._clock.override()}
        with self._sessions.begin() as session:
            rows = sessions_repository.list_live(session, values)
        return [SessionView(**row._mapping, current=row.id == current) for row in rows]

    @retried
    def end_session(self, user_id: UUID, session_id: UUID) -> None:
        """Raises NotFound: this account has no such live session."""
        with self._sessions.begin() as session:
            if not sessions_repository.end_own(session, user_id, session_id, self._clock.override()):
                raise NotFound("There is no such session.")

    def change_password(self, user_id: UUID, session_id: UUID, wanted: NewPassword) -> None:
        """Replace the password; every session but this one ends, and no reset asked for before can be carried out.

        Raises PasswordTooWeak, Invalid at `/newPassword`; InvalidCredentials, counted like a wrong login; RateLimited;
        Unavailable when too many passwords wait to be checked.
        """
        with self._sessions.begin() as session:
            account = credentials_repository.find_own_credential(session, user_id)
        if account is None:
            raise _unknown()
        _require_better(account, wanted)
        subject = self._check.account_subject(account.email_canonical, account.phone)
        if not self._check.matches(subject, account.hash, wanted.current):
            raise InvalidCredentials("This is not the present password.")
        hashed_anew = self._check.hasher.hash(wanted.new)
        values = {"user_id": user_id, "old": account.hash, "now": self._clock.override()}
        values |= {"new": hashed_anew.text, "parameters": hashed_anew.parameters}
        self._change(account, session_id, values)

    @retried
    def _change(self, account: Any, session_id: UUID, values: dict[str, Any]) -> None:
        user_id, now = values["user_id"], values["now"]
        subjects = self._check.account_subjects(account.email_canonical, account.phone)
        with self._sessions.begin() as session:
            if not credentials_repository.change_password(session, values):
                raise InvalidCredentials("This is not the present password.")
            ended = sessions_repository.end_sessions(
                session, user_id, SessionEnd.PASSWORD_CHANGED, now, keep=session_id
            )
            login_throttle_repository.forget_failures(session, subjects)
            self._tell(session, user_id, "password_changed", {})
        _log.info("identity.password_changed", user_id=str(user_id), sessions_ended=ended)

    def _find(self, email: str | None, phone: str | None) -> tuple[bytes, Any]:
        if (email is None) == (phone is None):
            raise Invalid("Sign in with an e-mail address or a phone, not both.")
        canonical = email_address(email).canonical if email is not None else None
        number = phone_number(phone, self._phone_region) if phone is not None else None
        kind = IdentifierKind.EMAIL if canonical is not None else IdentifierKind.PHONE
        with self._sessions.begin() as session:
            found = credentials_repository.find_credential(session, canonical, number)
        return self._check.subjects.of(kind, str(canonical or number)), found

    def _renewed(self, user_id: UUID, seen_hash: str, password: str) -> str:
        if not self._check.hasher.is_outdated(seen_hash):
            return seen_hash
        # A full queue must not fail a login that is already proven: the next one will do it.
        with suppress(Unavailable):
            made = self._check.hasher.hash(password)
            with self._sessions.begin() as session:
                replaced = credentials_repository.replace_hash(session, user_id, seen_hash, made.text, made.parameters)
            return made.text if replaced else seen_hash
        return seen_hash

    @retried
    def _open(self, user_id: UUID, seen_hash: str, subject: bytes, client: str | None) -> Tokens:
        session_id, refresh_token = new_id(), self._refresh_tokens.new()
        values = {
            "user_id": user_id,
            "seen_hash": seen_hash,
            "client": client,
            "session_id": session_id,
            "token_id": new_id(),
            "token_hash": hash_token(refresh_token),
            "now": self._clock.override(),
        }
        with self._sessions.begin() as session:
            opened = sessions_repository.open_session(session, values)
            if opened is not None:
                login_throttle_repository.forget_failures(session, [subject])
                if opened.news:
                    self._tell(session, user_id, "new_sign_in", {"client": client or "", "at": _moment(opened.at)})
        if opened is None:
            raise _mismatch()
        return Tokens(self._tokens.issue(user_id, session_id, opened.role), refresh_token, ACCESS_LIFETIME)

    def _tell(self, session: Session, user_id: UUID, template: str, variables: Mapping[str, str]) -> None:
        for account in repository.find_contacts(session, [user_id]):
            self._messages.add_for_account(session, account, template, variables)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _require_better(account: Any, wanted: NewPassword) -> None:
    if normalized(wanted.new) == normalized(wanted.current):
        raise PasswordTooWeak("The new password is the present one: take another.", pointer="/newPassword")
    known = [word for word in (account.email_canonical, account.phone) if word]
    personal = [account.first_name, account.last_name, *known, *(part for word in known for part in word.split("@"))]
    require_strong(wanted.new, personal, pointer="/newPassword")


def _shown(client: str | None) -> str | None:
    printable = "".join(char for char in client or "" if char.isprintable())
    return printable.strip()[:_MAX_CLIENT].strip() or None


def _minted(claims: Claims) -> Caller:
    if claims.role not in (CallerKind.SERVICE, CallerKind.OPERATOR):
        raise _unknown()
    return Caller(CallerKind(claims.role), None, None, claims.role, claims.scopes)


def _mismatch() -> InvalidCredentials:
    return InvalidCredentials("Identifier and password do not match.")


def _unknown() -> Unauthenticated:
    return Unauthenticated("A valid access token is needed: sign in.")
