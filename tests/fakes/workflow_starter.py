"""A fake starter of the workflows of orders, for tests without Temporal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from services.errors import InvalidTransition


@dataclass
class Workflows:
    """A workflow starter whose workflows have these undos stuck."""

    stuck: tuple[str, ...] = ("refund_payment",)
    resolved: list[tuple[UUID, str, str, str, str]] = field(default_factory=list)

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        """Nothing to start."""

    async def resolve(self, order_id: UUID, step: str, action: str, reference: str, by: str) -> str:
        if step not in self.stuck:
            raise InvalidTransition("that step is not stuck")
        self.resolved.append((order_id, step, action, reference, by))
        return action

    async def pollers(self) -> list[str]:
        return ["worker-1"]
