"""Who owns an account: what the proof of an identifier ends, and who is notified (contract, section 2).

Who proves an identifier owns the account. The first proof that comes without a session of the account may be made by
another person than the one who registered it, so nothing of that one's may stay: sessions, pending changes and resets
end, and other identifiers are removed, verified or not.

A code does not replace the password, which the other person may know. The account therefore remembers the identifier
that was proven by a code without a session (`claimed_with`), and the next reset with it counts as a first proof again.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from services.db import Executor
from services.identity import (
    credentials_repository,
    identifiers_repository,
    sessions_repository,
    verification_codes_repository,
)
from services.identity.account_messages import AccountMessages
from services.identity.identifiers import Identifier
from services.identity.identifiers_repository import Account
from services.identity.status import IdentifierKind, SessionEnd

_OTHER = {IdentifierKind.EMAIL: IdentifierKind.PHONE, IdentifierKind.PHONE: IdentifierKind.EMAIL}


def may_reset(account: Account, kind: IdentifierKind) -> bool:
    """Whether a reset may be sent to this identifier: a proven one, or that of the registration while none is."""
    proven = account.email_verified or account.phone_verified
    return account.is_verified(kind) or (not proven and account.registered_with == kind)


def end_pending(tx: Executor, user_id: UUID) -> None:
    """Invalidate every pending change of an identifier and every reset token of an account."""
    verification_codes_repository.spend_changes(tx, user_id)
    credentials_repository.spend_reset_tokens(tx, user_id)


class Ownership:
    """Applies proofs to an account that the caller has locked (`identifiers_repository.lock`)."""

    def __init__(self, messages: AccountMessages) -> None:
        self._messages = messages

    def verified(self, tx: Executor, account: Account, kind: IdentifierKind, session_id: UUID | None) -> int:
        """A code proved an identifier of the account, in this session of the account, if any.

        Ends every other session; returns how many.
        """
        claimed_with = account.claimed_with
        if session_id is None and not account.is_verified(kind):
            claimed_with = kind
            end_pending(tx, account.id)
            self._remove_other(tx, account, kind)
        identifiers_repository.verify(tx, account.id, kind, claimed_with)
        return sessions_repository.end_sessions(tx, account.id, SessionEnd.IDENTIFIER_CONFIRMED, session_id)

    def reset(self, tx: Executor, account: Account, kind: IdentifierKind) -> int:
        """A reset token proved an identifier of the account, and the password was replaced.

        Ends every session; returns how many.
        """
        end_pending(tx, account.id)
        first = not account.is_verified(kind) or account.claimed_with == kind
        if first:
            self._remove_other(tx, account, kind)
        identifiers_repository.verify(tx, account.id, kind, _unclaimed(account, kind))
        ended = sessions_repository.end_sessions(tx, account.id, SessionEnd.PASSWORD_RESET)
        self._notify(tx, account, [_OTHER[kind]] if not first else [], "password_changed", proven=kind)
        return ended

    def changed(self, tx: Executor, account: Account, identifier: Identifier, session_id: UUID) -> int | None:
        """A code proved a new identifier in this session of the account, which gets the identifier.

        Ends every other session; returns how many, None when another account has the identifier.
        """
        kind = identifier.kind
        if not identifiers_repository.set_identifier(tx, account.id, identifier, _unclaimed(account, kind)):
            return None
        credentials_repository.spend_reset_tokens(tx, account.id)
        self._notify(tx, account, [_OTHER[kind]], "identifier_added")
        if account.address(kind) != identifier.address:
            self._notify(tx, account, [kind], "identifier_changed")
        return sessions_repository.end_sessions(tx, account.id, SessionEnd.IDENTIFIER_CONFIRMED, session_id)

    def remove(self, tx: Executor, account: Account, kind: IdentifierKind) -> None:
        """Remove an identifier that is not the account's last one; pending changes and resets end."""
        end_pending(tx, account.id)
        identifiers_repository.remove(tx, account.id, kind, _unclaimed(account, kind))
        self._notify(tx, account, IdentifierKind, "identifier_removed")

    def _remove_other(self, tx: Executor, account: Account, kind: IdentifierKind) -> None:
        other = _OTHER[kind]
        if account.address(other) is None:
            return
        identifiers_repository.remove(tx, account.id, other, account.claimed_with)
        self._notify(tx, account, [other], "identifier_removed", proven=kind)

    def _notify(
        self,
        tx: Executor,
        account: Account,
        kinds: Iterable[IdentifierKind],
        template: str,
        *,
        proven: IdentifierKind | None = None,
    ) -> None:
        """Write a notice to those of the account's identifiers that were verified before, and to the one proven now."""
        recipients = {kind for kind in kinds if account.is_verified(kind)} | ({proven} if proven else set())
        if recipients and self._messages.may_notify(tx, account.id, template):
            for kind in sorted(recipients):
                self._messages.add(tx, kind, account.address(kind), template, {}, account.language)


def _unclaimed(account: Account, kind: IdentifierKind) -> str | None:
    return None if account.claimed_with == kind else account.claimed_with
