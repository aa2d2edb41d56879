"""A clock that tests control."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from services.clock import Clock
from services.db import Database


class FakeClock(Clock):
    """Stands still at a given time; without one it is the database's clock until a test sets it."""

    def __init__(self, at: datetime | None = None) -> None:
        self._start = self._at = at

    @classmethod
    def now(cls) -> FakeClock:
        """A clock that stands still at the present time."""
        return cls(datetime.now(UTC))

    @property
    def at(self) -> datetime:
        """The time at which the clock stands. Raises ValueError while it follows the database."""
        if self._at is None:
            raise ValueError("the clock follows the database")
        return self._at

    def override(self) -> datetime | None:
        return self._at

    def monotonic(self) -> float:
        """Seconds since the time that the clock was created with."""
        return (self.at - self._start).total_seconds() if self._start else 0.0

    def move(self, **by: float) -> None:
        """Move by a `timedelta` given as its keyword arguments: `move(minutes=10)`."""
        self._at = self.at + timedelta(**by)

    def set_from_database(self, database: Database, seconds: float) -> None:
        """Stand still `seconds` after the database's present time."""
        with database.transaction() as tx:
            now: datetime = tx.fetch_value("SELECT clock_timestamp()")
        self._at = now + timedelta(seconds=seconds)
