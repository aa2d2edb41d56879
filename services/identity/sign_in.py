"""Sign-in: login, refresh, logout, sessions, password change, and the authentication of access tokens."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Database, retried
from services.errors import (
    InvalidCode,
    InvalidCredentials,
    InvalidToken,
    NotFound,
    PasswordTooWeak,
    RateLimited,
    Unauthenticated,
    Unavailable,
)
from services.identity import (
    credentials_repository,
    identifiers_repository,
    login_throttle_repository,
    minted_tokens_repository,
    own_account,
    sessions_repository,
)
from services.identity.access_tokens import ACCESS_LIFETIME, AccessTokens, Claims
from services.identity.account_messages import AccountMessages
from services.identity.client_names import client_name
from services.identity.credentials_repository import Credential
from services.identity.identifiers import Identifier, read_identifier
from services.identity.ownership import end_pending
from services.identity.password_check import PasswordCheck
from services.identity.password_strength import normalized, personal_words
from services.identity.passwords import PasswordHash
from services.identity.refresh_tokens import RefreshTokens, hash_token
from services.identity.second_factor import SecondFactor
from services.identity.sessions_repository import MAX_SESSIONS, NewSession, Rotation
from services.identity.status import SessionEnd
from services.identity.views import Caller, CallerKind, NewPassword, SessionView, Tokens

#: Hexadecimal digits of an identifier's keyed hash in the log: enough to tell identifiers apart.
_LOGGED_DIGITS = 16

_log = structlog.get_logger(__name__)


class SignIn:
    """Opens sessions by password, continues them by refresh tokens, and ends them."""

    def __init__(
        self,
        database: Database,
        check: PasswordCheck,
        tokens: AccessTokens,
        refresh_tokens: RefreshTokens,
        messages: AccountMessages,
        factor: SecondFactor,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._database, self._check, self._tokens, self._refresh_tokens = database, check, tokens, refresh_tokens
        self._messages, self._factor, self._phone_region = messages, factor, phone_region

    def login(
        self,
        email: str | None,
        phone: str | None,
        password: str,
        client: str | None = None,
        otp: str | None = None,
    ) -> Tokens:
        """Sign in with either identifier, verified or not; `client` is the user agent.

        `otp` is a code of the account's second factor, if it has one: only then a session has the role operator.
        Raises Invalid for a wrong identifier; InvalidCredentials, with the same text after the same time, for an
        unknown, disabled or locked account and a wrong password; InvalidCode when the password is right and the code is
        missing or wrong; RateLimited after several wrong ones; Unavailable when the queue of the hasher is full.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        subject = self._check.subjects.of(identifier.kind, identifier.canonical)
        try:
            return self._login(identifier, subject, password, client, otp)
        except (InvalidCredentials, InvalidCode, RateLimited) as refusal:
            # The keyed hash finds the lines about one identifier, and does not tell which it is.
            _log.info("identity.sign_in_failed", identifier=subject.hex()[:_LOGGED_DIGITS], reason=refusal.code)
            raise

    def _login(
        self, identifier: Identifier, subject: bytes, password: str, client: str | None, otp: str | None
    ) -> Tokens:
        found = credentials_repository.find_credential(self._database, identifier.email_canonical, identifier.phone)
        if not self._check.matches(subject, found.hash if found else None, password) or found is None:
            raise _mismatch()
        seen_hash = self._rehash_outdated(found.user_id, found.hash, password)
        if not found.second_factor:
            return self._open(found.user_id, seen_hash, subject, client_name(client), None)
        if otp is None:
            raise InvalidCode("This account also needs a code of its authenticator app, or a recovery code, as `otp`.")
        self._factor.count(found.user_id)
        return self._open(found.user_id, seen_hash, subject, client_name(client), otp)

    @retried
    def refresh(self, refresh_token: str, key: str | None = None) -> Tokens:
        """The next token pair of a session; the same pair for the same token within 10 s, with its key within 60 s.

        `key` is the Idempotency-Key. Raises InvalidToken, always with the same text; a token that was replaced earlier
        ends its session, and the account is notified.
        """
        successor = self._refresh_tokens.successor(refresh_token)
        key_hash = self._refresh_tokens.key_hash(refresh_token, key)
        rotation = Rotation(hash_token(refresh_token), hash_token(successor), new_id(), key_hash)
        with self._database.transaction() as tx:
            rotated = sessions_repository.rotate(tx, rotation)
            if rotated is None:
                rotated = sessions_repository.find_repeated(tx, rotation)
            reused = sessions_repository.end_reused(tx, rotation.old_hash) if rotated is None else None
            if reused is not None:
                self._messages.add_notice(tx, reused.user_id, "session_ended", {})
        if reused is not None:
            _log.warning("identity.refresh_token_reused", user_id=str(reused.user_id), session_id=str(reused.id))
        if rotated is None:
            raise InvalidToken("This refresh token is invalid or has expired. Sign in.")
        access = self._tokens.issue(
            rotated.user_id, rotated.session_id, rotated.role, at=rotated.made_at, jti=rotated.id
        )
        return Tokens(access, successor, ACCESS_LIFETIME)

    @retried
    def logout(self, refresh_token: str) -> None:
        """End the session of this token, and with it its access tokens; an unknown token changes nothing."""
        session_id = sessions_repository.end_by_token(self._database, hash_token(refresh_token))
        if session_id is not None:
            _log.info("identity.signed_out", session_id=str(session_id))

    def authenticate(self, access_token: str) -> Caller:
        """The caller of an access token, after a check of its session, or of its row if it was minted.

        Raises Unauthenticated, with one text.
        """
        claims = self._tokens.read(access_token)
        if claims.session is None:
            return self._minted(claims)
        try:
            user_id, session_id = UUID(claims.subject), UUID(claims.session)
        except ValueError:
            raise _unauthenticated() from None
        role = sessions_repository.find_live_role(self._database, session_id, user_id)
        if role is None:
            raise _unauthenticated()
        return Caller(CallerKind(role), user_id, session_id, role)

    def ended(self, access_tokens: Collection[str]) -> set[str]:
        """Those of the tokens that are no longer valid; one statement for all that have a session."""
        ended, sessions = set[str](), dict[str, UUID]()
        for token in access_tokens:
            try:
                session = self._tokens.read(token).session
                if session is not None:
                    sessions[token] = UUID(session)
                else:
                    self.authenticate(token)
            except Unauthenticated:
                ended.add(token)
        live = sessions_repository.live_among(self._database, set(sessions.values())) if sessions else ()
        return ended | {token for token, session in sessions.items() if session not in live}

    def _minted(self, claims: Claims) -> Caller:
        role, _, name = claims.subject.partition(":")
        try:
            token_id = UUID(claims.id)
        except ValueError:
            raise _unauthenticated() from None
        if role != claims.role or not minted_tokens_repository.is_live(self._database, token_id, role, name):
            raise _unauthenticated()
        return Caller(CallerKind(role), None, None, role, claims.scopes, name)

    def sessions(
        self, user_id: UUID, current: UUID | None, after: UUID | None = None, limit: int = MAX_SESSIONS
    ) -> Sequence[SessionView]:
        """The live sessions of an account, newest first, after the id `after`; `current` is the caller's own."""
        return sessions_repository.list_live(self._database, user_id, current, after, limit)

    @retried
    def end_session(self, user_id: UUID, session_id: UUID) -> None:
        """End a session of an account. Raises NotFound when the account has no such live session."""
        if not sessions_repository.end_own(self._database, user_id, session_id):
            raise NotFound("There is no such session.")

    def change_password(self, user_id: UUID, session_id: UUID, wanted: NewPassword) -> None:
        """Replace the password; every other session ends, and so do pending changes of identifiers and resets.

        Raises PasswordTooWeak, Invalid at `/newPassword`; InvalidCredentials, counted like a wrong login; RateLimited;
        Unauthenticated when the session has ended meanwhile; Unavailable when the queue of the hasher is full.
        """
        account = credentials_repository.find_own_credential(self._database, user_id)
        if account is None:
            raise _unauthenticated()
        if normalized(wanted.new) == normalized(wanted.current):
            raise PasswordTooWeak("The new password is the present one: choose another.", pointer="/newPassword")
        subject = self._check.account_subject(account.email_canonical, account.phone)
        if not self._check.matches(subject, account.hash, wanted.current):
            raise InvalidCredentials("This is not the present password.")
        login_throttle_repository.forget_failures(self._database, [subject])
        # Judged last, because that is expensive: who does not know the present password does not get this far.
        self._check.hasher.require_strong(wanted.new, _personal_words(account), pointer="/newPassword")
        self._change_password(account, session_id, self._check.hasher.hash(wanted.new))

    @retried
    def _change_password(self, account: Credential, session_id: UUID, new: PasswordHash) -> None:
        user_id = account.user_id
        subjects = self._check.account_subjects(account.email_canonical, account.phone)
        with self._database.transaction() as tx:
            own_account.lock(tx, user_id, session_id)
            if not credentials_repository.change_password(tx, user_id, account.hash, new):
                raise InvalidCredentials("This is not the present password.")
            end_pending(tx, user_id)
            ended = sessions_repository.end_sessions(tx, user_id, SessionEnd.PASSWORD_CHANGED, keep=session_id)
            login_throttle_repository.forget_failures(tx, subjects)
            self._messages.add_notice(tx, user_id, "password_changed", {})
        _log.info("identity.password_changed", user_id=str(user_id), sessions_ended=ended)

    def _rehash_outdated(self, user_id: UUID, seen_hash: str, password: str) -> str:
        """The hash that is stored now: with current parameters if possible."""
        if not self._check.hasher.is_outdated(seen_hash):
            return seen_hash
        # A full queue must not fail a login whose password was right: a later login computes the new hash.
        with suppress(Unavailable):
            new = self._check.hasher.hash(password)
            replaced = credentials_repository.replace_hash(self._database, user_id, seen_hash, new)
            return new.text if replaced else seen_hash
        return seen_hash

    @retried
    def _open(self, user_id: UUID, seen_hash: str, subject: bytes, client: str, otp: str | None) -> Tokens:
        refresh_token, with_code = self._refresh_tokens.new(), otp is not None
        new = NewSession(user_id, seen_hash, client, new_id(), new_id(), hash_token(refresh_token), with_code)
        with self._database.transaction() as tx:
            if otp is not None:
                identifiers_repository.lock(tx, user_id)
                self._factor.accept(tx, user_id, otp)
            opened = sessions_repository.open_session(tx, new)
            if opened is not None:
                login_throttle_repository.forget_failures(tx, [subject])
                if opened.new_client:
                    self._messages.add_notice(tx, user_id, "new_sign_in", {"client": client, "at": _utc(opened.at)})
        if opened is None:
            raise _mismatch()
        _log.info("identity.signed_in", user_id=str(user_id), session_id=str(new.session_id))
        return Tokens(self._tokens.issue(user_id, new.session_id, opened.role), refresh_token, ACCESS_LIFETIME)


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _personal_words(account: Credential) -> Sequence[str]:
    return personal_words(account.first_name, account.last_name, account.email_canonical, account.phone)


def _mismatch() -> InvalidCredentials:
    return InvalidCredentials("Identifier and password do not match.")


def _unauthenticated() -> Unauthenticated:
    return Unauthenticated()
