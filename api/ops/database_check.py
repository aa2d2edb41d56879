"""Looks at the database for the probes: at most once a second, because nothing limits how often they are called."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Literal

from services import migrate
from services.bootstrap import Services
from services.errors import MarketError

#: `newer-schema`: migrated by a later version, and as usable as `ready`
DatabaseState = Literal["ready", "newer-schema", "not-migrated", "away"]
_STATES: Mapping[migrate.SchemaState, DatabaseState] = {
    "current": "ready",
    "newer": "newer-schema",
    "older": "not-migrated",
}

#: Seconds for which a result is used again.
LIFETIME = 1.0


class DatabaseCheck:
    """The state of the database of these services."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._looking = threading.Lock()
        self._found: DatabaseState | None = None
        self._found_at = 0.0

    def state(self) -> DatabaseState:
        """Whether the database answers and has the schema of this version or a later one, as at most a second ago.

        While one request waits for a database that does not answer, the others get the result before it.
        """
        known = self._found
        acquired = self._looking.acquire(blocking=known is None)
        if known is not None and not acquired:
            return known
        try:
            if self._found is None or time.monotonic() - self._found_at >= LIFETIME:
                self._found = _look(self._services)
                self._found_at = time.monotonic()
            return self._found
        finally:
            self._looking.release()


def _look(services: Services) -> DatabaseState:
    try:
        return _STATES[migrate.state(services.database)]
    except MarketError:
        return "away"


def is_usable(state: DatabaseState) -> bool:
    """Whether this version works with a database in this state."""
    return state in ("ready", "newer-schema")
