"""`Prefer: wait=N` (RFC 7240): how long a request waits for background work."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Response

MAX_WAIT = 30
#: Seconds that the steps of an order wait by default.
STEP_WAIT = 5
_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?', re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class WaitPreference:
    """The requested wait in seconds; None without a preference."""

    asked: int | None

    def seconds(self, default: int, response: Response) -> int:
        """Seconds to wait; sets `Preference-Applied` when the request has a preference."""
        if self.asked is None:
            return default
        response.headers["Preference-Applied"] = f"wait={self.asked}"
        return self.asked


def read(prefer: str | None) -> WaitPreference:
    """The first `wait`, at most 30 s; an invalid preference is ignored (RFC 7240, section 2)."""
    for preference in (prefer or "").split(","):
        match = _WAIT.fullmatch(preference.strip())
        if match:
            return WaitPreference(min(int(match[1]), MAX_WAIT))
    return WaitPreference(None)


async def _preference(
    prefer: Annotated[
        str | None,
        Header(
            alias="Prefer",
            description="`wait=N`: answer when the order is idle or final, after N seconds (0 to 30) at the latest.",
            max_length=200,
        ),
    ] = None,
) -> WaitPreference:
    return read(prefer)


#: The wait preference of the request.
Prefer = Annotated[WaitPreference, Depends(_preference)]
