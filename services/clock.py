"""What time it is, and new ids: the database's clock unless a test brings its own."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import uuid_utils.compat

#: SQL for the present moment: the database's clock, or the `:now` that a test's clock passes in.
NOW = "coalesce(cast(:now as timestamptz), clock_timestamp())"


class Clock:
    """One clock for every expiry: the database's, so that skewed hosts agree (FAULTS F51, F52)."""

    def override(self) -> datetime | None:
        """The moment (UTC) to bind to `:now`, or None to let the database say."""
        return None


def new_id() -> UUID:
    """A UUIDv7: unguessable enough for an id, ordered enough for an index."""
    return uuid_utils.compat.uuid7()
