"""`Prefer: wait=N` (RFC 7240): how long a caller would wait for background work to rest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Response

MAX_WAIT = 30
#: What the steps of an order wait for when nothing is said, in seconds.
STEP_WAIT = 5
_WAIT = re.compile(r'wait\s*=\s*"?(\d{1,9})"?\s*(;.*)?', re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class WaitPreference:
    """How many seconds the caller said it waits; None when it said nothing."""

    asked: int | None

    def seconds(self, default: int, response: Response) -> int:
        """How long to wait; tells the caller when its wish was followed."""
        if self.asked is None:
            return default
        response.headers["Preference-Applied"] = f"wait={self.asked}"
        return self.asked


def read(prefer: str | None) -> WaitPreference:
    """The first `wait` of them, 30 s at most; one that cannot be read is ignored (RFC 7240, section 2)."""
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


#: How long the caller would wait.
Prefer = Annotated[WaitPreference, Depends(_preference)]
