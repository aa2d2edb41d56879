"""Password resets: a token that goes to the account's identifier, and once brings a new password."""

from __future__ import annotations

import secrets
from typing import Any

import structlog
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import InvalidToken
from services.identity import (
    login_throttle_repository,
    password_resets_repository,
    sessions_repository,
    verification_codes_repository,
)
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import email_address, phone_number
from services.identity.password_check import PasswordCheck
from services.identity.password_strength import require_strong
from services.identity.refresh_tokens import hash_token
from services.identity.send_limits import SendLimits
from services.identity.status import IdentifierKind, SessionEnd

_log = structlog.get_logger(__name__)


class PasswordResets:
    """For who forgot a password, or does not trust their sessions any more."""

    def __init__(
        self,
        sessions: Sessions,
        messages: AccountMessages,
        send_limits: SendLimits,
        check: PasswordCheck,
        clock: Clock,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._sessions, self._messages, self._send_limits, self._check = sessions, messages, send_limits, check
        self._clock, self._phone_region = clock, phone_region

    @retried
    def request(self, email: str | None, phone: str | None) -> None:
        """Send a token of 256 bits, good for 30 minutes; the account's earlier ones die. To nobody if unknown.

        Raises Invalid for what is no identifier; RateLimited, alike for known and unknown ones.
        """
        canonical = email_address(email).canonical if email is not None else None
        number = phone_number(str(phone), self._phone_region) if email is None else None
        way = IdentifierKind.EMAIL if email is not None else IdentifierKind.PHONE
        token = secrets.token_urlsafe(32)
        with self._sessions.begin() as session:
            self._send_limits.count(session, "reset", way, str(canonical or number))
            account = verification_codes_repository.find_account(session, canonical, number)
            # Asked for nobody, the statements are the same and change nothing.
            self._write(session, account.id if account is not None else new_id(), token, account is not None)
            to = (account.email if way is IdentifierKind.EMAIL else account.phone) if account is not None else None
            language = account.language if account is not None else "ru"
            self._messages.add(session, way, to, "password_reset", {"resetToken": token}, language)

    def confirm(self, reset_token: str, new_password: str) -> None:
        """Set a new password; every session ends, wrong passwords are forgotten, and the person is told.

        Raises InvalidToken, with the same words for a guessed, used, old or replaced one and a disabled account;
        PasswordTooWeak and Invalid at `/newPassword`, which leave the token good; Unavailable when too many
        passwords wait to be hashed.
        """
        token_hash, now = hash_token(reset_token), self._clock.override()
        with self._sessions.begin() as session:
            found = password_resets_repository.find_live(session, token_hash, now)
        if found is None:
            raise _refused()
        known = [word for word in (found.email_canonical, found.any_phone) if word]
        parts = [part for word in known for part in word.split("@")]
        require_strong(new_password, [found.first_name, found.last_name, *known, *parts], pointer="/newPassword")
        made = self._check.hasher.hash(new_password)
        self._carry_out(found, {"hash": token_hash, "text": made.text, "parameters": made.parameters, "now": now})

    @retried
    def _carry_out(self, found: Any, values: dict[str, Any]) -> None:
        subjects = self._check.account_subjects(found.email_canonical, found.any_phone)
        with self._sessions.begin() as session:
            if not password_resets_repository.carry_out(session, values):
                raise _refused()
            now = values["now"]
            ended = sessions_repository.end_sessions(session, found.user_id, SessionEnd.PASSWORD_RESET, now)
            login_throttle_repository.forget_failures(session, subjects)
            self._messages.add_for_account(session, found, "password_changed", {})
        _log.info("identity.password_reset", user_id=str(found.user_id), sessions_ended=ended)

    def _write(self, session: Session, user_id: Any, token: str, known: bool) -> None:
        values = {"id": new_id(), "user_id": user_id, "hash": hash_token(token), "now": self._clock.override()}
        password_resets_repository.add(session, values, known)


def _refused() -> InvalidToken:
    return InvalidToken("This reset token is not valid (any more): ask for a new one.")
