"""Password resets: a single-use token sent to the account's identifier allows setting a new password."""

from __future__ import annotations

import secrets

import structlog

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import InvalidToken
from services.identity import (
    login_throttle_repository,
    password_resets_repository,
    sessions_repository,
    verification_codes_repository,
)
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import Identifier, read_identifier
from services.identity.password_check import PasswordCheck
from services.identity.password_resets_repository import AccountToReset
from services.identity.password_strength import personal_words, require_strong
from services.identity.passwords import PasswordHash
from services.identity.refresh_tokens import hash_token
from services.identity.send_limits import SendLimits
from services.identity.status import IdentifierKind, SessionEnd
from services.identity.verification_codes_repository import Account

_log = structlog.get_logger(__name__)


class PasswordResets:
    """Requests and confirms password resets."""

    def __init__(
        self,
        database: Database,
        messages: AccountMessages,
        send_limits: SendLimits,
        check: PasswordCheck,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._database, self._messages, self._send_limits, self._check = database, messages, send_limits, check
        self._phone_region = phone_region

    @retried
    def request(self, email: str | None, phone: str | None) -> None:
        """Send a token of 256 bits, valid for 30 minutes, which replaces the account's earlier token.

        For an unknown identifier the same statements run and no message is sent.
        Raises Invalid for a wrong identifier; RateLimited, the same for known and unknown identifiers.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as tx:
            self._send_limits.count(tx, "reset", identifier.kind, identifier.canonical)
            account = verification_codes_repository.find_account(tx, identifier.email_canonical, identifier.phone)
            self._write_token(tx, account, token)
            self._send_token(tx, identifier, account, token)

    def confirm(self, reset_token: str, new_password: str) -> None:
        """Set a new password, end every session, delete the count of wrong passwords and notify the person.

        Raises InvalidToken, with the same text for an unknown, used, expired or replaced token and a disabled account;
        PasswordTooWeak and Invalid at `/newPassword`, which leave the token valid; Unavailable when the queue of the
        hasher is full.
        """
        token_hash = hash_token(reset_token)
        account = password_resets_repository.find_live(self._database, token_hash)
        if account is None:
            raise _invalid_token()
        personal = personal_words(account.first_name, account.last_name, account.email_canonical, account.any_phone)
        require_strong(new_password, personal, pointer="/newPassword")
        self._set_password(account, token_hash, self._check.hasher.hash(new_password))

    @retried
    def _set_password(self, account: AccountToReset, token_hash: bytes, new: PasswordHash) -> None:
        subjects = self._check.account_subjects(account.email_canonical, account.any_phone)
        with self._database.transaction() as tx:
            if not password_resets_repository.set_password(tx, token_hash, new):
                raise _invalid_token()
            ended = sessions_repository.end_sessions(tx, account.user_id, SessionEnd.PASSWORD_RESET)
            login_throttle_repository.forget_failures(tx, subjects)
            self._messages.add_for_account(tx, account.contact, "password_changed", {})
        _log.info("identity.password_reset", user_id=str(account.user_id), sessions_ended=ended)

    def _write_token(self, tx: Executor, account: Account | None, token: str) -> None:
        # For an unknown account the statements run with a new id and write nothing.
        user_id = account.id if account is not None else new_id()
        password_resets_repository.add(tx, user_id, hash_token(token), known=account is not None)

    def _send_token(self, tx: Executor, identifier: Identifier, account: Account | None, token: str) -> None:
        to, language = None, "ru"
        if account is not None:
            to = account.email if identifier.kind is IdentifierKind.EMAIL else account.phone
            language = account.language
        self._messages.add(tx, identifier.kind, to, "password_reset", {"resetToken": token}, language)


def _invalid_token() -> InvalidToken:
    return InvalidToken("This reset token is invalid or has expired. Request a new one.")
