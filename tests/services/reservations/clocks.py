"""A clock that a test can turn."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text

from services.clock import Clock
from services.db import Sessions


@dataclass
class TurnableClock(Clock):
    """The database's clock until somebody turns it; then it stands."""

    at: datetime | None = None

    def override(self) -> datetime | None:
        return self.at

    def turn(self, sessions: Sessions, seconds: float) -> None:
        """Stand `seconds` from the database's present moment."""
        with sessions.begin() as session:
            now: datetime = session.execute(text("SELECT clock_timestamp()")).scalar_one()
        self.at = now + timedelta(seconds=seconds)
