"""What changes of the own account share: the current password, and the lock of an account with a live session."""

from __future__ import annotations

from uuid import UUID

from services.db import Database, Executor
from services.errors import InvalidCredentials, Unauthenticated
from services.identity import (
    credentials_repository,
    identifiers_repository,
    login_throttle_repository,
    sessions_repository,
)
from services.identity.identifiers_repository import Account
from services.identity.password_check import PasswordCheck
from services.identity.views import Caller


def session_of(caller: Caller) -> tuple[UUID, UUID]:
    """Account and session of a caller. Raises Unauthenticated for a token without a session."""
    if caller.user_id is None or caller.session_id is None:
        raise Unauthenticated()
    return caller.user_id, caller.session_id


def require_password(database: Database, check: PasswordCheck, caller: Caller, password: str) -> tuple[UUID, UUID]:
    """Account and session of a caller who knows the current password; wrong ones are counted like wrong logins.

    Raises InvalidCredentials, RateLimited, Unauthenticated; Unavailable when the queue of the hasher is full.
    """
    user_id, session_id = session_of(caller)
    own = credentials_repository.find_own_credential(database, user_id)
    if own is None:
        raise Unauthenticated()
    subject = check.account_subject(own.email_canonical, own.phone)
    if not check.matches(subject, own.hash, password):
        raise InvalidCredentials("This is not the present password.")
    login_throttle_repository.forget_failures(database, [subject])
    return user_id, session_id


def lock(tx: Executor, user_id: UUID, session_id: UUID) -> Account:
    """Lock the account, whose session must not have ended since the request was authenticated.

    Raises Unauthenticated.
    """
    account = identifiers_repository.lock(tx, user_id)
    if account is None or sessions_repository.find_live_role(tx, session_id, user_id) is None:
        raise Unauthenticated()
    return account
