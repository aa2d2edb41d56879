"""Enrolment of a second factor by the operator: started with the password, confirmed by a code, removed by both."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from services.db import Database, Executor, retried
from services.errors import Denied, InvalidTransition, NotFound
from services.identity import repository, second_factor_repository, sessions_repository
from services.identity.account_messages import AccountMessages
from services.identity.own_account import lock, require_password, session_of
from services.identity.password_check import PasswordCheck
from services.identity.second_factor import (
    RECOVERY_CODES,
    SecondFactor,
    invalid_code,
    new_recovery_code,
    new_secret,
    provisioning_uri,
    recovery_hash,
)
from services.identity.status import Role, SessionEnd
from services.identity.views import Account, Caller, NewSecondFactor, SecondFactorStatus

_log = structlog.get_logger(__name__)


class SecondFactorEnrolment:
    """What operators do with the second factor of their own account."""

    def __init__(
        self, database: Database, check: PasswordCheck, factor: SecondFactor, messages: AccountMessages
    ) -> None:
        self._database, self._check, self._factor, self._messages = database, check, factor, messages

    def status(self, caller: Caller) -> SecondFactorStatus:
        """Whether the account needs a second factor, whether it has one, and how many recovery codes are left.

        Raises Unauthenticated, NotFound.
        """
        user_id, _ = session_of(caller)
        account = _account(self._database, caller)
        return SecondFactorStatus(
            required=account.role == Role.OPERATOR,
            enabled=second_factor_repository.find(self._database, user_id) is not None,
            recovery_codes_left=second_factor_repository.count_recovery_codes(self._database, user_id),
        )

    def start(self, caller: Caller, password: str) -> NewSecondFactor:
        """A new secret, which `confirm` turns on within 15 minutes; it replaces one that was not confirmed.

        Raises InvalidCredentials, RateLimited; Denied for an account that is no operator's; InvalidTransition when the
        account has a second factor; Unauthenticated; Unavailable when the queue of the hasher is full.
        """
        require_password(self._database, self._check, caller, password)
        return self._start(caller)

    @retried
    def _start(self, caller: Caller) -> NewSecondFactor:
        secret = new_secret()
        with self._database.transaction() as tx:
            account = _locked_operator(tx, caller)
            if not second_factor_repository.start(tx, account.id, self._factor.seal(secret)):
                raise InvalidTransition("The account has a second factor: remove it before you add another.")
        return NewSecondFactor(secret, provisioning_uri(secret, account.email or account.phone or str(account.id)))

    def confirm(self, caller: Caller, code: str) -> Sequence[str]:
        """Turn the started second factor on with a code of the app; returns the recovery codes, which are shown once.

        Every other session ends; this one stays a buyer's. Raises InvalidCode, RateLimited; InvalidTransition when no
        enrolment was started in the last 15 minutes; Denied; Unauthenticated.
        """
        user_id, _ = session_of(caller)
        if second_factor_repository.find_started(self._database, user_id) is None:
            raise _not_started()
        self._factor.count(user_id)
        return self._confirm(caller, code)

    @retried
    def _confirm(self, caller: Caller, code: str) -> Sequence[str]:
        user_id, session_id = session_of(caller)
        codes = [new_recovery_code() for _ in range(RECOVERY_CODES)]
        with self._database.transaction() as tx:
            _locked_operator(tx, caller)
            started = second_factor_repository.find_started(tx, user_id)
            if started is None:
                raise _not_started()
            step = self._factor.matching_step(started, code)
            if step is None:
                raise invalid_code()
            second_factor_repository.confirm(tx, user_id, step)
            second_factor_repository.add_recovery_codes(tx, user_id, [recovery_hash(each) for each in codes])
            self._factor.forget_failures(tx, user_id)
            sessions_repository.end_sessions(tx, user_id, SessionEnd.SECOND_FACTOR_CHANGED, keep=session_id)
            self._messages.add_notice(tx, user_id, "second_factor_added", {})
        _log.info("identity.second_factor_added", user_id=str(user_id))
        return codes

    def remove(self, caller: Caller, password: str, code: str) -> None:
        """Remove the second factor and end every session: the account is an operator's again once it has another.

        Raises InvalidCredentials, InvalidCode, RateLimited; InvalidTransition when the account has no second factor;
        Unauthenticated; Unavailable when the queue of the hasher is full.
        """
        user_id, _ = require_password(self._database, self._check, caller, password)
        if second_factor_repository.find(self._database, user_id) is None:
            raise InvalidTransition("The account has no second factor.")
        self._factor.count(user_id)
        self._remove(caller, code)

    @retried
    def _remove(self, caller: Caller, code: str) -> None:
        user_id, session_id = session_of(caller)
        with self._database.transaction() as tx:
            lock(tx, user_id, session_id)
            self._factor.accept(tx, user_id, code)
            self._factor.remove(tx, user_id)


def _locked_operator(tx: Executor, caller: Caller) -> Account:
    lock(tx, *session_of(caller))
    account = _account(tx, caller)
    if account.role != Role.OPERATOR:
        raise Denied("Only accounts of operators have a second factor.")
    return account


def _not_started() -> InvalidTransition:
    return InvalidTransition("No second factor is being added: start again.")


def _account(tx: Executor, caller: Caller) -> Account:
    account = repository.find_account(tx, caller.user_id, None, None)
    if account is None:
        raise NotFound("There is no such user.")
    return account
