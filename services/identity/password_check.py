"""Checks a password under the login throttle, in the same time whether the account exists or not."""

from __future__ import annotations

from collections.abc import Sequence

from services.db import Database
from services.errors import RateLimited, Unavailable
from services.identity import login_throttle_repository
from services.identity.login_throttle import LAST_FAILURE, ThrottleSubjects
from services.identity.password_strength import MAX_PASSWORD
from services.identity.passwords import PasswordHasher


def count_attempt(database: Database, subject: bytes, refusal: str) -> int:
    """Count one more failure of a subject, in a commit of its own; returns the number of consecutive failures.

    Raises RateLimited, with the text `refusal`, while the subject has to wait.
    """
    with database.transaction() as tx:
        failures = login_throttle_repository.count_attempt(tx, subject)
        wait = login_throttle_repository.seconds_to_wait(tx, subject) if failures is None else 0
    if failures is None:
        raise RateLimited(refusal, retry_after=wait)
    return failures


class PasswordCheck:
    """Checks passwords, for logins and for changes that require the current password."""

    def __init__(self, database: Database, hasher: PasswordHasher, subjects: ThrottleSubjects) -> None:
        self.hasher, self.subjects = hasher, subjects
        self._database = database

    def matches(self, subject: bytes, hash_text: str | None, password: str) -> bool:
        """Whether the password matches the hash; an unknown (None) or locked account takes the same time.

        Each call counts as a failure of `subject`; after a success the caller deletes the count (`forget_failures`).
        Raises RateLimited while the subject has to wait, also for the right password; Unavailable when the queue of
        the hasher is full.
        """
        if len(password) > MAX_PASSWORD:
            return False
        failures = count_attempt(self._database, subject, "Too many wrong passwords: wait before the next try.")
        try:
            return self.hasher.verify(None if failures > LAST_FAILURE else hash_text, password)
        except Unavailable:
            login_throttle_repository.uncount(self._database, subject)
            raise

    def account_subject(self, email_canonical: str | None, phone: str | None) -> bytes:
        """The subject that counts wrong passwords of a signed-in account: its e-mail address, or else its phone."""
        return self.account_subjects(email_canonical, phone)[0]

    def account_subjects(self, email_canonical: str | None, phone: str | None) -> Sequence[bytes]:
        """All subjects of an account, whose counts are deleted once its password was proven or replaced."""
        return self.subjects.of_account(email_canonical, phone)
