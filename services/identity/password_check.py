"""Comparing a password: counted first, slowed down after wrong ones, and as slow for a name that nobody has."""

from __future__ import annotations

from collections.abc import Sequence

from services.clock import Clock
from services.db import Sessions
from services.errors import RateLimited, Unavailable
from services.identity import login_throttle_repository
from services.identity.login_throttle import LAST_FAILURE, ThrottleSubjects
from services.identity.password_strength import MAX_PASSWORD
from services.identity.passwords import PasswordHasher


class PasswordCheck:
    """Whether a password is right, for logins and for whoever has to prove again who they are."""

    def __init__(self, sessions: Sessions, hasher: PasswordHasher, clock: Clock, subjects: ThrottleSubjects) -> None:
        self.hasher, self.subjects = hasher, subjects
        self._sessions, self._clock = sessions, clock

    def matches(self, subject: bytes, seen_hash: str | None, password: str) -> bool:
        """Compare, in the same time for an unknown (None), a locked and a known account; the caller forgets on success.

        Raises RateLimited while the subject has to wait, whatever the password; Unavailable when too many wait.
        """
        if len(password) > MAX_PASSWORD:
            return False
        locked = self._count(subject) > LAST_FAILURE
        try:
            return self.hasher.verify(None if locked else seen_hash, password)
        except Unavailable:
            with self._sessions.begin() as session:
                login_throttle_repository.uncount(session, subject)
            raise

    def _count(self, subject: bytes) -> int:
        now = self._clock.override()
        with self._sessions.begin() as session:
            failures = login_throttle_repository.count_attempt(session, subject, now)
            wait = login_throttle_repository.seconds_to_wait(session, subject, now) if failures is None else 0
        if failures is None:
            raise RateLimited("Too many wrong passwords: wait before the next try.", retry_after=wait)
        return failures

    def account_subject(self, email_canonical: str | None, phone: str | None) -> bytes:
        """What wrong passwords of a known account count for: its address, or else its number."""
        return self.account_subjects(email_canonical, phone)[0]

    def account_subjects(self, email_canonical: str | None, phone: str | None) -> Sequence[bytes]:
        """All that is forgotten of an account once its password was proven or replaced."""
        return self.subjects.of_account(email_canonical, phone)
