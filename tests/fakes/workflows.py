"""A fake of what Temporal says about the workflows of orders."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.errors import Unavailable
from services.reconcile.scope import Deadline

PAGE = 1000


@dataclass
class FakeWorkflows:
    """Workflows of orders by id, each in a state; lists show them as they were before `hidden` and `listed`."""

    states: dict[str, str] = field(default_factory=dict)
    #: open workflows that lists do not show yet
    hidden: set[str] = field(default_factory=set)
    #: closed workflows that lists still show
    listed: set[str] = field(default_factory=set)
    described: list[str] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    when_described: Callable[[], object] = lambda: None
    #: the build of orders whose workflow no worker may run
    without: dict[UUID, str] = field(default_factory=dict)
    away: bool = False

    def open(self, deadline: Deadline) -> Iterator[Sequence[tuple[str, UUID | None]]]:
        if self.away:
            raise Unavailable("Temporal does not answer.")
        shown = [(id_, UUID(id_[6:]) if id_.startswith("order-") else None) for id_ in self.states if self._shows(id_)]
        for first in range(0, len(shown), PAGE):
            yield shown[first : first + PAGE]

    def open_of(self, order_ids: Collection[UUID], deadline: Deadline) -> set[UUID]:
        self.batches.append(len(order_ids))
        return {order_id for order_id in order_ids if self._shows(self.id_of(order_id))}

    def state(self, workflow_id: str, deadline: Deadline) -> str | None:
        self.when_described()
        self.described.append(workflow_id)
        return self.states.get(workflow_id)

    def without_worker(self, deadline: Deadline) -> Sequence[tuple[UUID, str]]:
        return [*self.without.items()]

    def id_of(self, order_id: UUID) -> str:
        return f"order-{order_id}"

    def _shows(self, workflow_id: str) -> bool:
        is_open = self.states.get(workflow_id) == "running"
        return workflow_id in self.listed or (is_open and workflow_id not in self.hidden)
