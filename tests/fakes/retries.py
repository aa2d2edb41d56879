"""A fake of recovery for one order, for tests without Temporal."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.errors import InvalidTransition


@dataclass
class Retries:
    """Tells these times of next tries, and has these reasons tried at once."""

    tries: Mapping[str, datetime] = field(default_factory=dict)
    #: the reasons for which there is something to try
    possible: Collection[str] = ("workflow_lost",)
    retried: list[tuple[UUID, str, str]] = field(default_factory=list)

    async def next_tries(self, order_id: UUID, reasons: Collection[str]) -> Mapping[str, datetime]:
        return {reason: at for reason, at in self.tries.items() if reason in reasons}

    async def retry(self, order_id: UUID, reason: str, by: str) -> str:
        if reason not in self.possible:
            raise InvalidTransition("Its workflow is open, so nothing was started.")
        self.retried.append((order_id, reason, by))
        return "Its workflow was gone, and was started again."
