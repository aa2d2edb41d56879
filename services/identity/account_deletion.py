"""Deletes an account: by its owner, who proves it with the password and a code, or by an operator."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

import structlog

from services.db import Database, Executor
from services.errors import NotFound
from services.identity import (
    login_throttle_repository,
    personal_data_repository,
    second_factor_repository,
)
from services.identity.account_messages import AccountMessages
from services.identity.identifiers_repository import Account
from services.identity.login_throttle import ThrottleSubjects
from services.identity.own_account import lock, require_password
from services.identity.password_check import PasswordCheck
from services.identity.second_factor import SecondFactor
from services.identity.status import IdentifierKind
from services.identity.views import Caller, DeletedAccount

_log = structlog.get_logger(__name__)
#: The template of the last message to the verified addresses of an account.
_LAST_NOTICE = "account_deleted"


class AccountDeletion:
    """Proves the owner and deletes the account; what other services hold is deleted in the same transaction."""

    def __init__(
        self,
        database: Database,
        check: PasswordCheck,
        factor: SecondFactor,
        subjects: ThrottleSubjects,
        messages: AccountMessages,
    ) -> None:
        self._database, self._check, self._factor = database, check, factor
        self._subjects, self._messages = subjects, messages

    def prove(self, caller: Caller, password: str) -> None:
        """The caller knows the password; the try of a code is counted here, and `confirm` accepts it.

        Raises InvalidCredentials, InvalidCode, RateLimited, Unauthenticated; Unavailable when the queue of the hasher
        is full.
        """
        user_id, _ = require_password(self._database, self._check, caller, password)
        if second_factor_repository.find(self._database, user_id) is not None:
            self._factor.count(user_id)

    def confirm(self, tx: Executor, user_id: UUID, session_id: UUID, code: str | None) -> None:
        """Lock the account of a live session and use up its code. Raises InvalidCode, Unauthenticated."""
        lock(tx, user_id, session_id)
        if second_factor_repository.find(tx, user_id) is not None:
            self._factor.accept(tx, user_id, code or "")

    def delete(self, tx: Executor, user_id: UUID, by: Literal["person", "operator"]) -> DeletedAccount:
        """Delete the account and what belongs to it, and write a last notice to its verified addresses.

        Sessions end at once, and the addresses can be registered again. Raises NotFound.
        """
        account = personal_data_repository.lock(tx, user_id)
        if account is None:
            raise NotFound("There is no such user.")
        identifiers = [each for each in (account.email_canonical, account.phone) if each is not None]
        subjects = [self._subjects.of_second_factor(user_id)]
        subjects += self._subjects.of_account(account.email_canonical, account.phone)
        login_throttle_repository.forget_failures(tx, subjects)
        self._messages.drop(tx, [each for each in (account.email, account.phone) if each is not None])
        personal_data_repository.delete(tx, user_id, identifiers, by)
        self._notify(tx, account)
        tx.after_commit(lambda: _log.info("identity.erased", user_id=str(user_id), by=by))
        return DeletedAccount(account.id, account.email, account.phone)

    def _notify(self, tx: Executor, account: Account) -> None:
        for kind in IdentifierKind:
            if account.is_verified(kind):
                self._messages.add(tx, kind, account.address(kind), _LAST_NOTICE, {}, account.language)
