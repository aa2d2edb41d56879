"""Rate limiter in PostgreSQL: one row for each limit and subject, counted by one statement (GCRA); needs no Redis."""

import hashlib
import hmac
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from services.clock import NOW, Clock
from services.db import Database, Executor, retried
from services.errors import RateLimited, Unavailable
from services.old_rows import oldest

#: A coarse rate is leased from its row in this many shares; a process spends a share without asking the database again.
#: A process that keeps a share may allow that much more later: 5 % of the rate.
SHARES = 20
#: Local leases of a process; the least recently used is dropped, and its subject asks the database again.
MAX_LOCAL_LEASES = 4096
#: Seconds for which coarse rates are not counted after the database did not answer.
AWAY = 5.0

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Rate:
    """`times` requests in `seconds` seconds: in a burst of that size, then one every `seconds / times` seconds."""

    name: str
    times: float
    seconds: float
    #: counted in a table that survives a crash; refuses while the database is not available
    strict: bool = True

    def scaled(self, factor: float) -> "Rate":
        """The same rate with `times` multiplied by the factor, 1 at least."""
        return Rate(self.name, max(self.times * factor, 1), self.seconds, self.strict)

    @property
    def step(self) -> float:
        """Seconds between two requests at the steady rate."""
        return self.seconds / self.times


@dataclass
class LocalLease:
    """Permits of one rate and subject that are counted in the database already, and not spent yet."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    permits: int = 0
    #: the database refused more permits until then
    refused_until: float = 0


class RateLimiter:
    """Counts requests by rule and subject across all processes."""

    def __init__(self, database: Database, secrets_key: str, clock: Clock) -> None:
        self._database, self._clock = database.with_clock(clock), clock
        self._key = hashlib.sha256(b"market-limits:" + secrets_key.split(",")[0].strip().encode()).digest()
        self._leases: OrderedDict[tuple[str, str], LocalLease] = OrderedDict()
        self._lock = threading.Lock()
        self._away_until = 0.0

    def acquire(self, rates: Sequence[Rate], subject: str) -> None:
        """Count one request for each rate: all strict rates or none of them, then the coarse ones one by one.

        Coarse rates are spent from permits that this process leased, and allow while the database is not available.
        Raises RateLimited (with the longest wait), Unavailable (strict rates only).
        """
        strict = [rate for rate in rates if rate.strict]
        if strict:
            self._acquire_strict(strict, subject)
        for rate in rates:
            if not rate.strict:
                self._spend(rate, subject)

    def acquire_in(self, tx: Executor, rates: Sequence[Rate], subject: str, permits: int = 1) -> None:
        """Count for each rate in the caller's transaction, which must be rolled back when this raises RateLimited."""
        waits = [self._wait(tx, rate, subject, permits) for rate in rates]
        if any(waits):
            raise _limited(max(waits))

    def take_in(self, tx: Executor, rate: Rate, subject: str, wanted: int) -> int:
        """Count as many of `wanted` requests as the rate allows, in the caller's transaction; returns how many."""
        taken, permits = 0, min(wanted, int(rate.times))
        while permits > 0:
            if self._wait(tx, rate, subject, permits):
                permits //= 2
            else:
                taken += permits
                permits = min(permits, wanted - taken)
        return taken

    @retried
    def delete_expired(self, limit: int) -> int:
        """Delete at most `limit` rows that limit nothing any more; returns how many."""
        deleted = 0
        for statement in _DELETE_EXPIRED:
            deleted += self._database.execute(statement, {"limit": limit - deleted})
        return deleted

    @retried
    def _acquire_strict(self, rates: Sequence[Rate], subject: str) -> None:
        with self._database.transaction() as tx:
            self.acquire_in(tx, rates, subject)

    def _spend(self, rate: Rate, subject: str) -> None:
        lease = self._lease_of(rate.name, subject)
        # One thread at a time refills a lease: the others then spend from it.
        with lease.lock:
            if lease.permits < 1:
                self._refill(lease, rate, subject)
            lease.permits -= 1

    def _refill(self, lease: LocalLease, rate: Rate, subject: str) -> None:
        now, wanted = self._moment(), max(1, int(rate.times / SHARES))
        if now < lease.refused_until:
            raise _limited(math.ceil(lease.refused_until - now))
        if now < self._away_until:
            lease.permits = wanted
            return
        try:
            lease.permits = self._lease(rate, subject, wanted)
        except RateLimited as refusal:
            lease.refused_until = now + refusal.retry_after
            raise
        except Unavailable:
            lease.permits, self._away_until = wanted, now + AWAY
            _log.warning("rate_limiter.not_counted", rule=rate.name)

    def _lease(self, rate: Rate, subject: str, wanted: int) -> int:
        for permits in sorted({wanted, 1}, reverse=True):
            wait = self._wait(self._database, rate, subject, permits)
            if not wait:
                return permits
        raise _limited(wait)

    def _wait(self, tx: Executor, rate: Rate, subject: str, permits: int) -> int:
        """Count and return 0, or return the whole seconds until that is possible."""
        values = {
            "rule": rate.name,
            "subject": hmac.digest(self._key, f"{rate.name}:{subject}".encode("utf-8", "replace"), "sha256"),
            "step": rate.step * permits,
            "slack": rate.seconds - rate.step * permits,
        }
        if tx.fetch_one(_ACQUIRE[rate.strict], values):
            return 0
        left = tx.fetch_value(_LEFT[rate.strict], values)
        return max(1, int(left or 0))

    def _lease_of(self, rule: str, subject: str) -> LocalLease:
        with self._lock:
            lease = self._leases.setdefault((rule, subject), LocalLease())
            self._leases.move_to_end((rule, subject))
            if len(self._leases) > MAX_LOCAL_LEASES:
                self._leases.popitem(last=False)
        return lease

    def _moment(self) -> float:
        """Seconds of a monotonic clock, for durations only."""
        override = self._clock.override()
        return override.timestamp() if override else time.monotonic()


def _limited(wait: int) -> RateLimited:
    return RateLimited("Too many requests: wait before the next one.", retry_after=wait)


#: The table of strict rates, and that of the others (`services.rate_tables`).
_TABLES = {True: "limits.strict", False: "limits.coarse"}
_SECONDS = "cast(%({})s AS float8) * interval '1 second'"
_STEP, _SLACK = _SECONDS.format("step"), _SECONDS.format("slack")
# The generic cell rate algorithm: a refusal does not change the row, so repeated attempts do not extend the wait.
_ACQUIRE = {
    strict: (
        f"""
        INSERT INTO {table} AS l (rule, subject, arrival) VALUES (%(rule)s, %(subject)s, {NOW} + {_STEP})
        ON CONFLICT (rule, subject) DO UPDATE SET arrival = greatest(l.arrival, {NOW}) + {_STEP}
         WHERE l.arrival <= {NOW} + {_SLACK}
        RETURNING 1
        """  # noqa: S608 - constants of this module
    )
    for strict, table in _TABLES.items()
}
_LEFT = {
    strict: (
        f"SELECT ceil(extract(epoch FROM arrival - {NOW} - {_SLACK})) FROM {table}"  # noqa: S608 - constants
        " WHERE rule = %(rule)s AND subject = %(subject)s"
    )
    for strict, table in _TABLES.items()
}
# A row whose arrival is past counts as no row.
_DELETE_EXPIRED = [
    f"DELETE FROM {table} WHERE {oldest(table, 'arrival', '0')}"  # noqa: S608 - constants of this module
    for table in _TABLES.values()
]
