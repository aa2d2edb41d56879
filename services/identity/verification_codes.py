"""Verification codes: six digits that prove an e-mail address or a phone number of an account, or change it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from uuid import UUID

import structlog
from psycopg import IntegrityError

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import InvalidCode, InvalidCredentials, Unauthenticated
from services.identity import (
    credentials_repository,
    login_throttle_repository,
    sessions_repository,
    verification_codes_repository,
)
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import Identifier, read_identifier
from services.identity.password_check import PasswordCheck
from services.identity.send_limits import SendLimits
from services.identity.status import IdentifierKind, SessionEnd, TokenKind
from services.identity.verification_codes_repository import Account, NewCode, StoredCode
from services.identity.views import Caller

_log = structlog.get_logger(__name__)

_VERIFY = {IdentifierKind.EMAIL: TokenKind.VERIFY_EMAIL, IdentifierKind.PHONE: TokenKind.VERIFY_PHONE}
_CHANGE = {IdentifierKind.EMAIL: TokenKind.CHANGE_EMAIL, IdentifierKind.PHONE: TokenKind.CHANGE_PHONE}
_TEMPLATE = {IdentifierKind.EMAIL: "verify_email", IdentifierKind.PHONE: "verify_phone"}


class VerificationCodes:
    """Sends and confirms codes; does the same work for an unknown identifier, so that timing reveals nothing."""

    def __init__(
        self,
        database: Database,
        messages: AccountMessages,
        send_limits: SendLimits,
        check: PasswordCheck,
        secrets_key: str,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._database, self._messages, self._send_limits, self._check = database, messages, send_limits, check
        self._phone_region = phone_region
        self._keys = [
            hashlib.sha256(b"market-codes:" + key.strip().encode()).digest() for key in secrets_key.split(",")
        ]

    @retried
    def send(self, email: str | None, phone: str | None) -> None:
        """Send a code that verifies the identifier of an account; nothing if it is verified already or unknown.

        Raises Invalid for a wrong identifier; RateLimited, the same for known and unknown identifiers.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        with self._database.transaction() as tx:
            self._send_limits.count(tx, "code", identifier.kind, identifier.canonical)
            found = verification_codes_repository.find_account(tx, identifier.email_canonical, identifier.phone)
            account = found if found is not None and not found.is_verified(identifier.kind) else None
            self._write_code(tx, _VERIFY[identifier.kind], identifier, account, sent=account is not None)

    def change(self, user_id: UUID, email: str | None, phone: str | None, password: str) -> None:
        """Send a code to a new identifier of an account; confirming the code sets the identifier.

        Nothing is sent when another account has it. Raises InvalidCredentials (counted like a wrong login), Invalid,
        RateLimited; Unavailable when the queue of the hasher is full.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        own = credentials_repository.find_own_credential(self._database, user_id)
        if own is None:
            raise Unauthenticated()
        subject = self._check.account_subject(own.email_canonical, own.phone)
        if not self._check.matches(subject, own.hash, password):
            raise InvalidCredentials("This is not the present password.")
        self._send_change_code(user_id, identifier, [subject])

    def confirm(self, email: str | None, phone: str | None, code: str, caller: Caller | None = None) -> None:
        """Use a code: the identifier becomes verified, and every session of the account but the caller's own ends.

        Raises InvalidCode, with the same text for a wrong, used, expired, unknown or exhausted code; Invalid.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        stored = self._find_matching_code(identifier, code)
        if stored is None or not self._consume_code(identifier, stored, caller):
            raise InvalidCode("This code is invalid or has expired. Request a new one.", pointer="/code")

    @retried
    def _send_change_code(self, user_id: UUID, identifier: Identifier, subjects: Sequence[bytes]) -> None:
        with self._database.transaction() as tx:
            login_throttle_repository.forget_failures(tx, subjects)
        with self._database.transaction() as tx:
            self._send_limits.count(tx, "code", identifier.kind, identifier.canonical)
            holder = verification_codes_repository.find_account(tx, identifier.email_canonical, identifier.phone)
            own = verification_codes_repository.find_own(tx, user_id)
            free = holder is None or (holder.id == user_id and not holder.is_verified(identifier.kind))
            self._write_code(tx, _CHANGE[identifier.kind], identifier, own, sent=own is not None and free)

    def _write_code(
        self, tx: Executor, kind: TokenKind, identifier: Identifier, account: Account | None, *, sent: bool
    ) -> None:
        code = f"{secrets.randbelow(1_000_000):06}"
        new = NewCode(
            id=new_id(),
            user_id=account.id if account is not None else None,
            kind=kind,
            hash=self._hash(self._keys[0], kind, identifier.canonical, code),
            identifier=identifier.canonical,
        )
        verification_codes_repository.replace_code(tx, new)
        to = _recipient(account, identifier) if account is not None and sent else None
        language = account.language if account is not None else "ru"
        self._messages.add(tx, identifier.kind, to, _TEMPLATE[identifier.kind], {"code": code}, language)

    def _find_matching_code(self, identifier: Identifier, code: str) -> StoredCode | None:
        """The live code that equals `code`; the guess is counted and committed before anything is compared."""
        kinds = [_VERIFY[identifier.kind], _CHANGE[identifier.kind]]
        with self._database.transaction() as tx:
            rows = verification_codes_repository.count_guess(tx, identifier.canonical, kinds)
        matching = [row for row in rows if self._matches(row, identifier.canonical, code) and row.user_id is not None]
        return matching[0] if matching else None

    def _matches(self, row: StoredCode, canonical: str, code: str) -> bool:
        hashes = [self._hash(key, row.kind, canonical, code) for key in self._keys]
        return any(hmac.compare_digest(row.hash, each) for each in hashes)

    def _hash(self, key: bytes, kind: str, canonical: str, code: str) -> bytes:
        # Keyed: the hash of six digits alone could be reversed at once by a reader of the table.
        return hmac.digest(key, f"{kind}:{canonical}:{code}".encode("utf-8", "surrogatepass"), "sha256")

    def _consume_code(self, identifier: Identifier, stored: StoredCode, caller: Caller | None) -> bool:
        user_id = stored.user_id
        if user_id is None:
            return False
        keep = caller.session_id if caller is not None and caller.user_id == user_id else None
        try:
            with self._database.transaction() as tx:
                before = verification_codes_repository.find_own(tx, user_id)
                if before is None or not verification_codes_repository.spend(tx, stored.id):
                    return False
                changes = stored.kind == _CHANGE[identifier.kind]
                if not (self._set_identifier if changes else self._set_verified)(tx, user_id, identifier):
                    return False
                ended = sessions_repository.end_sessions(tx, user_id, SessionEnd.IDENTIFIER_CONFIRMED, keep)
                if changes:
                    self._notify_old(tx, before, identifier)
        except IntegrityError:
            # Another account got the identifier at the same moment. The answer is the same as for a wrong code.
            return False
        _log.info("identity.confirmed", user_id=str(user_id), kind=stored.kind, sessions_ended=ended)
        return True

    def _set_verified(self, tx: Executor, user_id: UUID, identifier: Identifier) -> bool:
        if identifier.kind is IdentifierKind.EMAIL:
            return verification_codes_repository.verify_email(tx, user_id, identifier.canonical)
        return verification_codes_repository.verify_phone(tx, user_id, identifier.canonical)

    def _set_identifier(self, tx: Executor, user_id: UUID, identifier: Identifier) -> bool:
        if identifier.kind is IdentifierKind.EMAIL:
            return verification_codes_repository.set_email(tx, user_id, identifier.address, identifier.canonical)
        return verification_codes_repository.set_phone(tx, user_id, identifier.canonical)

    def _notify_old(self, tx: Executor, before: Account, identifier: Identifier) -> None:
        """Notify the replaced identifier, and invalidate the reset tokens that were sent to it."""
        credentials_repository.spend_reset_tokens(tx, before.id)
        old = before.email if identifier.kind is IdentifierKind.EMAIL else before.phone
        if old and old != identifier.address:
            self._messages.add(tx, identifier.kind, old, "identifier_changed", {}, before.language)


def _recipient(account: Account, identifier: Identifier) -> str:
    """The account's own address as it was registered; a new address as it was typed."""
    if account.email is not None and account.email_canonical == identifier.email_canonical:
        return account.email
    return identifier.address
