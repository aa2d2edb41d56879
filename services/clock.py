"""The current time (the database's clock, unless a test provides another) and new ids."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import uuid_utils.compat

#: SQL for the current time: the database's clock, or the `%(now)s` of a test's clock.
NOW = "coalesce(cast(%(now)s as timestamptz), clock_timestamp())"


class Clock:
    """The clock of every expiry: the database's, so that hosts with different clocks agree (FAULTS F51, F52)."""

    def override(self) -> datetime | None:
        """The time (UTC) to bind to `%(now)s`; None: the database's time."""
        return None


def new_id() -> UUID:
    """A UUIDv7: random enough for a public id, and ordered by time for indexes."""
    return uuid_utils.compat.uuid7()
