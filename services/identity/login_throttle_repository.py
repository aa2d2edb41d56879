"""SQL of the login throttle; a failure is counted before the comparison, so that parallel tries gain nothing."""

from __future__ import annotations

from collections.abc import Sequence

from services.clock import NOW
from services.db import Executor
from services.identity.login_throttle import FREE_FAILURES, LONGEST_WAIT


def count_attempt(tx: Executor, subject: bytes) -> int | None:
    """Count one more failure; returns the number of consecutive failures, or None while the subject has to wait."""
    counted: int | None = tx.fetch_value(_COUNT, {"subject": subject})
    return counted


def seconds_to_wait(tx: Executor, subject: bytes) -> int:
    """Whole seconds until the next password is compared, at least 1."""
    left = tx.fetch_value(_WAIT, {"subject": subject})
    return max(1, int(left or 0))


def uncount(tx: Executor, subject: bytes) -> None:
    """Subtract one failure whose password was not compared."""
    tx.execute(_UNCOUNT, {"subject": subject})


def forget_failures(tx: Executor, subjects: Sequence[bytes]) -> None:
    """Delete the counts, after a correct password or a reset."""
    tx.execute(_FORGET, {"subjects": list(subjects)})


_FAILURES = "least(f.failures + 1, 100000)"
_COUNT = f"""
    INSERT INTO identity.login_failures AS f (subject, failures, last_at) VALUES (%(subject)s, 1, {NOW})
    ON CONFLICT (subject) DO UPDATE
       SET failures = {_FAILURES}, last_at = {NOW},
           blocked_until = CASE WHEN {_FAILURES} >= {FREE_FAILURES} THEN {NOW} + interval '1 second'
                           * least({LONGEST_WAIT}, power(2, least({_FAILURES} - {FREE_FAILURES}, 30))) END
     WHERE f.blocked_until IS NULL OR f.blocked_until <= {NOW}
    RETURNING failures
    """  # noqa: S608 - constants of this project
_WAIT = (
    f"SELECT ceil(extract(epoch FROM blocked_until - {NOW})) FROM identity.login_failures"  # noqa: S608 - only constants of this project
    " WHERE subject = %(subject)s"
)
_UNCOUNT = "UPDATE identity.login_failures SET failures = failures - 1 WHERE subject = %(subject)s AND failures > 0"
_FORGET = "DELETE FROM identity.login_failures WHERE subject = ANY(%(subjects)s)"
