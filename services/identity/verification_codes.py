"""Codes: six digits that prove an address or a number is somebody's own, or is to become it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import InvalidCode, InvalidCredentials, Unauthenticated
from services.identity import (
    credentials_repository,
    login_throttle_repository,
    sessions_repository,
    verification_codes_repository,
)
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import email_address, phone_number
from services.identity.password_check import PasswordCheck
from services.identity.send_limits import SendLimits
from services.identity.status import IdentifierKind, SessionEnd, TokenKind
from services.identity.views import Caller

_log = structlog.get_logger(__name__)

_VERIFY = {IdentifierKind.EMAIL: TokenKind.VERIFY_EMAIL, IdentifierKind.PHONE: TokenKind.VERIFY_PHONE}
_CHANGE = {IdentifierKind.EMAIL: TokenKind.CHANGE_EMAIL, IdentifierKind.PHONE: TokenKind.CHANGE_PHONE}
_TEMPLATE = {IdentifierKind.EMAIL: "verify_email", IdentifierKind.PHONE: "verify_phone"}


@dataclass(frozen=True)
class _Known:
    """An identifier as typed by a person: what is written to, and what it is found by."""

    way: IdentifierKind
    address: str
    canonical: str

    @property
    def columns(self) -> tuple[str | None, str | None]:
        """As the canonical address, or as the number."""
        return (self.canonical, None) if self.way is IdentifierKind.EMAIL else (None, self.canonical)


class VerificationCodes:
    """Sends codes and takes them; asked for an unknown identifier it does the same work for nobody."""

    def __init__(
        self,
        sessions: Sessions,
        messages: AccountMessages,
        send_limits: SendLimits,
        check: PasswordCheck,
        clock: Clock,
        secrets_key: str,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._sessions, self._messages, self._send_limits, self._check = sessions, messages, send_limits, check
        self._clock, self._phone_region = clock, phone_region
        self._keys = [
            hashlib.sha256(b"market-codes:" + key.strip().encode()).digest() for key in secrets_key.split(",")
        ]

    @retried
    def send(self, email: str | None, phone: str | None) -> None:
        """Send a code that proves the identifier of an account; nothing to one that is proven, or unknown.

        Raises Invalid for what is no identifier; RateLimited, alike for known and unknown ones.
        """
        known = self._read(email, phone)
        with self._sessions.begin() as session:
            self._send_limits.count(session, "code", known.way, known.canonical)
            account = verification_codes_repository.find_account(session, *known.columns)
            wanting = account if account is not None and not _verified(account, known.way) else None
            self._write(session, _VERIFY[known.way], known, wanting, wanting is not None)

    def change(self, user_id: UUID, email: str | None, phone: str | None, password: str) -> None:
        """Send a code to an identifier that an account shall have; it has it once the code is confirmed.

        Nothing is sent to one that another account has. Raises InvalidCredentials (counted like a wrong login),
        Invalid, RateLimited, Unavailable when too many passwords wait to be checked.
        """
        known = self._read(email, phone)
        with self._sessions.begin() as session:
            own = credentials_repository.find_own_credential(session, user_id)
        if own is None:
            raise Unauthenticated("A valid access token is needed: sign in.")
        subject = self._check.account_subject(own.email_canonical, own.phone)
        if not self._check.matches(subject, own.hash, password):
            raise InvalidCredentials("This is not the present password.")
        self._offer(user_id, known, [subject])

    def confirm(self, email: str | None, phone: str | None, code: str, caller: Caller | None = None) -> None:
        """Take a code: the identifier is proven, and every session of the account but the caller's own ends.

        Raises InvalidCode, with the same words for a wrong, used, old, unknown or exhausted one; Invalid.
        """
        known = self._read(email, phone)
        guessed = self._guessed(known, code)
        if guessed is None or not self._consume_code(known, guessed, caller):
            raise InvalidCode("This code is not valid (any more): ask for a new one.", pointer="/code")

    def _read(self, email: str | None, phone: str | None) -> _Known:
        if email is not None:
            address = email_address(email)
            return _Known(IdentifierKind.EMAIL, address.address, address.canonical)
        number = phone_number(str(phone), self._phone_region)
        return _Known(IdentifierKind.PHONE, number, number)

    @retried
    def _offer(self, user_id: UUID, known: _Known, subjects: Sequence[bytes]) -> None:
        with self._sessions.begin() as session:
            login_throttle_repository.forget_failures(session, subjects)
        with self._sessions.begin() as session:
            self._send_limits.count(session, "code", known.way, known.canonical)
            holder = verification_codes_repository.find_account(session, *known.columns)
            own = verification_codes_repository.find_own(session, user_id)
            free = holder is None or (holder.id == user_id and not _verified(holder, known.way))
            self._write(session, _CHANGE[known.way], known, own, own is not None and free)

    def _write(self, session: Session, kind: TokenKind, known: _Known, account: Any, sent: bool) -> None:
        code = f"{secrets.randbelow(1_000_000):06}"
        values = {
            "id": new_id(),
            "user_id": account.id if account is not None else None,
            "kind": str(kind),
            "hash": self._hash(self._keys[0], kind, known.canonical, code),
            "identifier": known.canonical,
            "now": self._clock.override(),
        }
        verification_codes_repository.replace_code(session, values)
        to = _address(account, known) if sent else None
        language = account.language if account is not None else "ru"
        self._messages.add(session, known.way, to, _TEMPLATE[known.way], {"code": code}, language)

    def _guessed(self, known: _Known, code: str) -> Any:
        """The live code that this is; the guess is counted, for good, before anything is compared."""
        kinds = [_VERIFY[known.way], _CHANGE[known.way]]
        with self._sessions.begin() as session:
            rows = verification_codes_repository.count_guess(session, known.canonical, kinds, self._clock.override())
        right = [row for row in rows if self._is(row, known.canonical, code) and row.user_id is not None]
        return right[0] if right else None

    def _is(self, row: Any, canonical: str, code: str) -> bool:
        hashes = [self._hash(key, row.kind, canonical, code) for key in self._keys]
        return any(hmac.compare_digest(bytes(row.hash), each) for each in hashes)

    def _hash(self, key: bytes, kind: str, canonical: str, code: str) -> bytes:
        # Six digits are guessed in a moment by whoever reads the table, unless a key is needed too.
        return hmac.digest(key, f"{kind}:{canonical}:{code}".encode("utf-8", "surrogatepass"), "sha256")

    def _consume_code(self, known: _Known, guessed: Any, caller: Caller | None) -> bool:
        now, user_id = self._clock.override(), guessed.user_id
        keep = caller.session_id if caller is not None and caller.user_id == user_id else None
        try:
            with self._sessions.begin() as session:
                before = verification_codes_repository.find_own(session, user_id)
                if before is None or not verification_codes_repository.spend(session, guessed.id, now):
                    return False
                changes = guessed.kind == _CHANGE[known.way]
                if not (self._give if changes else self._verify)(session, user_id, known):
                    return False
                ended = sessions_repository.end_sessions(session, user_id, SessionEnd.IDENTIFIER_CONFIRMED, now, keep)
                if changes:
                    self._part(session, before, known)
        except IntegrityError:
            # Somebody else got it at the same moment: no more is said than of a wrong code.
            return False
        _log.info("identity.confirmed", user_id=str(user_id), kind=guessed.kind, sessions_ended=ended)
        return True

    def _verify(self, session: Session, user_id: UUID, known: _Known) -> bool:
        now = self._clock.override()
        if known.way is IdentifierKind.EMAIL:
            return verification_codes_repository.verify_email(session, user_id, known.canonical, now)
        return verification_codes_repository.verify_phone(session, user_id, known.canonical, now)

    def _give(self, session: Session, user_id: UUID, known: _Known) -> bool:
        now = self._clock.override()
        if known.way is IdentifierKind.EMAIL:
            return verification_codes_repository.give_email(session, user_id, known.address, known.canonical, now)
        return verification_codes_repository.give_phone(session, user_id, known.canonical, now)

    def _part(self, session: Session, before: Any, known: _Known) -> None:
        """The old identifier hears of it, and no reset that was sent there is good any more."""
        credentials_repository.spend_reset_tokens(session, before.id, self._clock.override())
        old: Mapping[IdentifierKind, str | None] = {
            IdentifierKind.EMAIL: before.email,
            IdentifierKind.PHONE: before.phone,
        }
        if old[known.way] and old[known.way] != known.address:
            self._messages.add(session, known.way, old[known.way], "identifier_changed", {}, before.language)


def _verified(account: Any, way: IdentifierKind) -> bool:
    return bool(account.email_verified if way is IdentifierKind.EMAIL else account.phone_verified)


def _address(account: Any, known: _Known) -> str:
    """Where an account's own identifier is written to, as it was registered; a new one as it was typed."""
    if known.way is IdentifierKind.EMAIL and account.email_canonical == known.canonical:
        return str(account.email)
    return known.address
