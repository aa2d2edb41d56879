"""Changes of the own identifiers: a new one is set when its code is confirmed, one is removed at once."""

from __future__ import annotations

from uuid import UUID

from services.db import Database, retried
from services.errors import Invalid
from services.identity import identifiers_repository
from services.identity.identifiers import Identifier, read_identifier
from services.identity.own_account import lock, require_password
from services.identity.ownership import Ownership
from services.identity.password_check import PasswordCheck
from services.identity.send_limits import Requester, SendLimits
from services.identity.status import IdentifierKind
from services.identity.verification_codes import VerificationCodes
from services.identity.views import Caller


class IdentifierChanges:
    """Changes that need the current password (ASVS 7.5.2); wrong ones are counted like wrong logins."""

    def __init__(
        self,
        database: Database,
        codes: VerificationCodes,
        ownership: Ownership,
        send_limits: SendLimits,
        check: PasswordCheck,
        phone_region: str,
    ) -> None:
        """`phone_region`: ISO 3166-1 alpha-2, for numbers written without a country code."""
        self._database, self._codes, self._ownership = database, codes, ownership
        self._send_limits, self._check, self._phone_region = send_limits, check, phone_region

    def request(self, caller: Caller, email: str | None, phone: str | None, password: str) -> None:
        """Send a code to a new identifier; confirming it in the same session sets the identifier.

        Replaces an earlier request for an identifier of this kind. Nothing is sent when another account has it.
        Raises InvalidCredentials, Invalid, RateLimited, Unauthenticated; Unavailable when the queue of the hasher is
        full.
        """
        identifier = read_identifier(email, phone, self._phone_region)
        user_id, session_id = require_password(self._database, self._check, caller, password)
        self._send_code(user_id, session_id, identifier)

    def remove(self, caller: Caller, kind: IdentifierKind, password: str) -> None:
        """Remove an identifier at once; nothing happens when the account has none of this kind.

        Raises Invalid for the last identifier; InvalidCredentials, RateLimited, Unauthenticated; Unavailable when the
        queue of the hasher is full.
        """
        user_id, session_id = require_password(self._database, self._check, caller, password)
        self._remove(user_id, session_id, kind)

    @retried
    def _send_code(self, user_id: UUID, session_id: UUID, identifier: Identifier) -> None:
        with self._database.transaction() as tx:
            account = lock(tx, user_id, session_id)
            holder = identifiers_repository.find_account(tx, identifier.email_canonical, identifier.phone)
            requester = Requester.OWNER if holder is not None and holder.id == user_id else Requester.ACCOUNT
            self._send_limits.count(tx, "code", identifier.kind, identifier.canonical, requester)
            free = holder is None or (holder.id == user_id and not holder.is_verified(identifier.kind))
            self._codes.write_change(tx, identifier, account, session_id, sent=free)

    @retried
    def _remove(self, user_id: UUID, session_id: UUID, kind: IdentifierKind) -> None:
        with self._database.transaction() as tx:
            account = lock(tx, user_id, session_id)
            if account.address(kind) is None:
                return
            if account.email is None or account.phone is None:
                raise Invalid("The last identifier of an account cannot be removed.", pointer=f"/{kind}")
            self._ownership.remove(tx, account, kind)
