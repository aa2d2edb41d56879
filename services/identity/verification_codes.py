"""Verification codes: six digits that prove an e-mail address or a phone number of an account, or change it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from uuid import UUID

import structlog
from psycopg import IntegrityError

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import InvalidCode
from services.identity import identifiers_repository, sessions_repository, verification_codes_repository
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import Identifier, read_identifier
from services.identity.identifiers_repository import Account
from services.identity.ownership import Ownership
from services.identity.send_limits import Requester, SendLimits
from services.identity.status import IdentifierKind, TokenKind
from services.identity.verification_codes_repository import Guess, NewCode, StoredCode
from services.identity.views import Caller

_log = structlog.get_logger(__name__)

_VERIFY = {IdentifierKind.EMAIL: TokenKind.VERIFY_EMAIL, IdentifierKind.PHONE: TokenKind.VERIFY_PHONE}
_CHANGE = {IdentifierKind.EMAIL: TokenKind.CHANGE_EMAIL, IdentifierKind.PHONE: TokenKind.CHANGE_PHONE}
_TEMPLATE = {IdentifierKind.EMAIL: "verify_email", IdentifierKind.PHONE: "verify_phone"}


class VerificationCodes:
    """Sends and confirms codes; does the same work for an unknown identifier, so that timing reveals nothing.

    A code belongs to the account and to the request that asked for it: it is invalid for every other one.
    """

    def __init__(
        self,
        database: Database,
        messages: AccountMessages,
        ownership: Ownership,
        send_limits: SendLimits,
        secrets_key: str,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._database, self._messages, self._ownership = database, messages, ownership
        self._send_limits, self._phone_region = send_limits, phone_region
        self._keys = [
            hashlib.sha256(b"market-codes:" + key.strip().encode()).digest() for key in secrets_key.split(",")
        ]

    @retried
    def send(self, email: str | None, phone: str | None, caller: Caller | None = None) -> None:
        """Send a code that verifies the identifier of an account; nothing if it is verified already or unknown.

        Raises Invalid for a wrong identifier; RateLimited, the same for known and unknown identifiers; the requests of
        the account itself are counted apart.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        with self._database.transaction() as tx:
            found = identifiers_repository.find_account(tx, identifier.email_canonical, identifier.phone)
            requester = self._requester(tx, identifier, found, caller)
            self._send_limits.count(tx, "code", identifier.kind, identifier.canonical, requester)
            account = found if found is not None and not found.is_verified(identifier.kind) else None
            self._write(tx, _VERIFY[identifier.kind], identifier, account, None, sent=account is not None)

    def _requester(
        self, tx: Executor, identifier: Identifier, found: Account | None, caller: Caller | None
    ) -> Requester:
        used = verification_codes_repository.last_was_used(tx, identifier.canonical, _VERIFY[identifier.kind])
        if found is not None and caller is not None and caller.user_id == found.id:
            return Requester.OWNER
        return Requester.LAST_USED if used else Requester.ANYONE

    def write_change(
        self, tx: Executor, identifier: Identifier, account: Account, session_id: UUID, *, sent: bool
    ) -> None:
        """Write a code that changes an identifier of the account when it is confirmed in this session."""
        self._write(tx, _CHANGE[identifier.kind], identifier, account, session_id, sent=sent)

    def confirm(self, email: str | None, phone: str | None, code: str, caller: Caller | None = None) -> None:
        """Use a code: the identifier becomes verified, and every session of the account but the caller's own ends.

        Without a session of the account, a first proof also ends what others may have prepared (`Ownership`).
        Raises InvalidCode, with the same text for a wrong, used, expired, unknown or exhausted code and for one of
        another account or session; Invalid.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        user_id, session_id = (caller.user_id, caller.session_id) if caller is not None else (None, None)
        stored = self._find_matching_code(identifier, code, user_id, session_id)
        if stored is None or not self._consume_code(identifier, stored, session_id):
            raise InvalidCode("This code is invalid or has expired. Request a new one.", pointer="/code")

    def _write(
        self,
        tx: Executor,
        kind: TokenKind,
        identifier: Identifier,
        account: Account | None,
        session_id: UUID | None,
        *,
        sent: bool,
    ) -> None:
        code = f"{secrets.randbelow(1_000_000):06}"
        new = NewCode(
            id=new_id(),
            user_id=account.id if account is not None else None,
            session_id=session_id,
            kind=kind,
            hash=self._hash(self._keys[0], kind, identifier.canonical, code),
            identifier=identifier.canonical,
        )
        verification_codes_repository.replace_code(tx, new)
        to = _recipient(account, identifier) if account is not None and sent else None
        language = account.language if account is not None else "ru"
        self._messages.add(tx, identifier.kind, to, _TEMPLATE[identifier.kind], {"code": code}, language)

    def _find_matching_code(
        self, identifier: Identifier, code: str, user_id: UUID | None, session_id: UUID | None
    ) -> StoredCode | None:
        """The live code that equals `code`; the guess is counted and committed before anything is compared."""
        guess = Guess(identifier.canonical, _VERIFY[identifier.kind], _CHANGE[identifier.kind], user_id, session_id)
        with self._database.transaction() as tx:
            rows = verification_codes_repository.count_guess(tx, guess)
        matching = [row for row in rows if self._matches(row, identifier.canonical, code) and row.user_id is not None]
        return matching[0] if matching else None

    def _matches(self, row: StoredCode, canonical: str, code: str) -> bool:
        hashes = [self._hash(key, row.kind, canonical, code) for key in self._keys]
        return any(hmac.compare_digest(row.hash, each) for each in hashes)

    def _hash(self, key: bytes, kind: str, canonical: str, code: str) -> bytes:
        # Keyed: the hash of six digits alone could be reversed at once by a reader of the table.
        return hmac.digest(key, f"{kind}:{canonical}:{code}".encode("utf-8", "surrogatepass"), "sha256")

    def _consume_code(self, identifier: Identifier, stored: StoredCode, session_id: UUID | None) -> bool:
        if stored.user_id is None:
            return False
        try:
            with self._database.transaction() as tx:
                account = identifiers_repository.lock(tx, stored.user_id)
                if account is None or not self._is_live(tx, stored.user_id, session_id):
                    return False
                if not verification_codes_repository.spend(tx, stored.id):
                    return False
                ended = self._apply(tx, account, identifier, stored.kind, session_id)
        except IntegrityError:
            # Another account got the identifier at the same moment. The answer is the same as for a wrong code.
            return False
        if ended is None:
            return False
        _log.info("identity.confirmed", user_id=str(account.id), kind=stored.kind, sessions_ended=ended)
        return True

    def _is_live(self, tx: Executor, user_id: UUID, session_id: UUID | None) -> bool:
        """Whether the session, if any, has not ended since the request was authenticated."""
        return session_id is None or sessions_repository.find_live_role(tx, session_id, user_id) is not None

    def _apply(
        self, tx: Executor, account: Account, identifier: Identifier, kind: str, session_id: UUID | None
    ) -> int | None:
        if kind == _CHANGE[identifier.kind]:
            # The statement that found the code compared the session.
            return None if session_id is None else self._ownership.changed(tx, account, identifier, session_id)
        if account.kind_of(identifier.canonical) is not identifier.kind:
            return None
        return self._ownership.verified(tx, account, identifier.kind, session_id)


def _recipient(account: Account, identifier: Identifier) -> str:
    """The account's own address as it was registered; a new address as it was typed."""
    if account.email is not None and account.email_canonical == identifier.email_canonical:
        return account.email
    return identifier.address
