"""Accounts of operators: an administrator grants and revokes the role, and removes second factors."""

from __future__ import annotations

from uuid import UUID

import structlog

from services.db import Database, retried
from services.errors import IdentifierNotVerified, InvalidTransition, NotFound
from services.identity import identifiers_repository, repository, sessions_repository
from services.identity.account_messages import AccountMessages
from services.identity.second_factor import SecondFactor
from services.identity.status import Role, SessionEnd

_log = structlog.get_logger(__name__)


class Operators:
    """Changes the role of accounts."""

    def __init__(self, database: Database, factor: SecondFactor, messages: AccountMessages) -> None:
        self._database, self._factor, self._messages = database, factor, messages

    @retried
    def grant(self, user_id: UUID) -> None:
        """Make an account an operator's: every session ends, and it enrols a second factor after the next sign-in.

        The account is notified. Raises NotFound for an unknown or disabled account; IdentifierNotVerified when nobody
        has verified it; InvalidTransition while a person who registered it may know its password besides its owner.
        """
        with self._database.transaction() as tx:
            account = identifiers_repository.lock(tx, user_id)
            if account is None:
                raise NotFound("There is no such user, or the user is disabled.")
            if not (account.email_verified or account.phone_verified):
                raise IdentifierNotVerified("The user has not verified the e-mail address or phone number.")
            if account.claimed_with is not None:
                raise InvalidTransition(
                    "The address was verified without signing in, so another person may know the password:"
                    " the user has to reset it first."
                )
            repository.set_role(tx, user_id, Role.OPERATOR)
            sessions_repository.end_sessions(tx, user_id, SessionEnd.ROLE_CHANGED)
            self._messages.add_notice(tx, user_id, "operator_granted", {})
        _log.info("identity.role_changed", user_id=str(user_id), role=Role.OPERATOR)

    @retried
    def revoke(self, user_id: UUID) -> None:
        """Make an account a buyer's again: every session ends, and its second factor is removed. Raises NotFound."""
        with self._database.transaction() as tx:
            if not repository.set_role(tx, user_id, Role.BUYER):
                raise NotFound("There is no such user.")
            sessions_repository.end_sessions(tx, user_id, SessionEnd.ROLE_CHANGED)
            self._factor.remove(tx, user_id)
        _log.info("identity.role_changed", user_id=str(user_id), role=Role.BUYER)

    @retried
    def reset_second_factor(self, user_id: UUID) -> None:
        """Remove the second factor, recovery codes and lock of an account, and end its sessions.

        A person who knows the password can enrol another: the administrator makes sure who asks.
        """
        with self._database.transaction() as tx:
            self._factor.remove(tx, user_id)
