"""Password resets: a single-use token sent to the account's identifier allows setting a new password."""

from __future__ import annotations

import secrets

import structlog

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import InvalidToken
from services.identity import identifiers_repository, login_throttle_repository, password_resets_repository
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import Identifier, read_identifier
from services.identity.identifiers_repository import Account
from services.identity.ownership import Ownership, may_reset
from services.identity.password_check import PasswordCheck
from services.identity.password_resets_repository import AccountToReset
from services.identity.password_strength import personal_words
from services.identity.passwords import PasswordHash
from services.identity.refresh_tokens import hash_token
from services.identity.send_limits import Requester, SendLimits
from services.identity.status import IdentifierKind

_log = structlog.get_logger(__name__)


class PasswordResets:
    """Requests and confirms password resets."""

    def __init__(
        self,
        database: Database,
        messages: AccountMessages,
        ownership: Ownership,
        send_limits: SendLimits,
        check: PasswordCheck,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._database, self._messages, self._ownership = database, messages, ownership
        self._send_limits, self._check, self._phone_region = send_limits, check, phone_region

    @retried
    def request(self, email: str | None, phone: str | None) -> None:
        """Send a token of 256 bits, valid for 30 minutes, which replaces the account's earlier token.

        It is sent to a verified identifier, or, while the account has none, to the one that it was registered with.
        For any other identifier, and for an unknown one, the same statements run and no message is sent.
        Raises Invalid for a wrong identifier; RateLimited, the same for known and unknown identifiers; requests are
        counted apart while the last token of the account was used.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        token = secrets.token_urlsafe(32)
        with self._database.transaction() as tx:
            found = identifiers_repository.find_account(tx, identifier.email_canonical, identifier.phone)
            account = found if found is not None and may_reset(found, identifier.kind) else None
            # For an unknown account the statements run with a new id, and find and write nothing.
            user_id = account.id if account is not None else new_id()
            used = password_resets_repository.last_was_used(tx, user_id)
            requester = Requester.LAST_USED if used else Requester.ANYONE
            self._send_limits.count(tx, "reset", identifier.kind, identifier.canonical, requester)
            identifier_hash = _identifier_hash(token, identifier.canonical)
            password_resets_repository.add(tx, user_id, hash_token(token), identifier_hash, known=account is not None)
            self._send_token(tx, identifier, account, token)

    def confirm(self, reset_token: str, new_password: str) -> None:
        """Set a new password, end every session, delete the count of wrong passwords and notify the person.

        The identifier that the token was sent to becomes verified; a first proof also ends what others may have
        prepared (`Ownership`).
        Raises InvalidToken, with the same text for an unknown, used, expired or replaced token and a disabled account;
        PasswordTooWeak and Invalid at `/newPassword`, which leave the token valid; Unavailable when the queue of the
        hasher is full.
        """
        account = password_resets_repository.find_live(self._database, hash_token(reset_token))
        if account is None:
            raise _invalid_token()
        personal = personal_words(account.first_name, account.last_name, account.email_canonical, account.phone)
        self._check.hasher.require_strong(new_password, personal, pointer="/newPassword")
        self._set_password(account, reset_token, self._check.hasher.hash(new_password))

    @retried
    def _set_password(self, found: AccountToReset, reset_token: str, new: PasswordHash) -> None:
        with self._database.transaction() as tx:
            account = identifiers_repository.lock(tx, found.user_id)
            kind = _proven(account, reset_token, found.identifier_hash) if account is not None else None
            if account is None or kind is None:
                raise _invalid_token()
            if not password_resets_repository.set_password(tx, hash_token(reset_token), new):
                raise _invalid_token()
            ended = self._ownership.reset(tx, account, kind)
            subjects = self._check.account_subjects(account.email_canonical, account.phone)
            login_throttle_repository.forget_failures(tx, subjects)
        _log.info("identity.password_reset", user_id=str(account.id), sessions_ended=ended)

    def _send_token(self, tx: Executor, identifier: Identifier, account: Account | None, token: str) -> None:
        to = account.address(identifier.kind) if account is not None else None
        language = account.language if account is not None else "ru"
        self._messages.add(tx, identifier.kind, to, "password_reset", {"resetToken": token}, language)


def _identifier_hash(token: str, canonical: str) -> bytes:
    return hash_token(f"{token}:{canonical}")


def _proven(account: Account, token: str, identifier_hash: bytes | None) -> IdentifierKind | None:
    """The kind of the account's identifier that the token was sent to; None when the account has another one by now."""
    identifiers = ((IdentifierKind.EMAIL, account.email_canonical), (IdentifierKind.PHONE, account.phone))
    for kind, canonical in identifiers:
        if canonical is not None and _identifier_hash(token, canonical) == identifier_hash:
            return kind
    return None


def _invalid_token() -> InvalidToken:
    return InvalidToken("This reset token is invalid or has expired. Request a new one.")
