"""Undos that keep failing: they ask for a person, are retried without limit, and can be resolved by that person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.messages import Resolve
    from services.orders.status import ResolveAction
    from workflows.attention import Attention
    from workflows.compensation import Undo

#: The type of the failure when a decision cannot be taken.
INVALID_RESOLUTION = "invalid-resolution"


class StuckUndoWatch:
    """Runs undos and knows which of them are stuck."""

    def __init__(
        self, attention_after: int, attention: Attention, record: Callable[[str, str, str], Awaitable[None]]
    ) -> None:
        """`attention_after`: seconds of trying until an undo is stuck; `record` writes an operator's decision down."""
        self._attention_after = timedelta(seconds=attention_after)
        self._attention = attention
        self._record = record
        self._stuck: list[str] = []
        self._decisions: dict[str, Resolve] = {}

    async def run(self, undo: Undo) -> None:
        """Run an undo until it is done, or until an operator decides that it is."""
        while True:
            task = asyncio.ensure_future(undo.run())
            decision = await self._outcome(undo.step, task)
            if decision is None:
                break
            task.cancel()
            if decision.action != ResolveAction.RETRY:
                break
        if undo.step in self._stuck:
            self._stuck.remove(undo.step)
            await self._attention.clear(undo.step)

    def check(self, decision: Resolve) -> None:
        """Raises ApplicationError for a decision that resolves nothing."""
        if decision.action not in [*ResolveAction]:
            raise _invalid(f"action must be one of {', '.join(ResolveAction)}")
        if decision.step not in self._stuck:
            raise _invalid(f"that step is not stuck; stuck: {', '.join(self._stuck) or 'nothing'}")
        if decision.action == ResolveAction.MARK_DONE and not decision.reference:
            raise _invalid("mark_done needs the reference of what was done by hand")

    async def resolve(self, decision: Resolve) -> str:
        """Write an operator's decision down, then let it take effect: a saga cannot end before it is booked."""
        await self._record(decision.step, decision.action, decision.reference)
        self._decisions[decision.step] = decision
        return f"{decision.step}: {decision.action}"

    def decided(self, step: str) -> bool:
        """Whether a decision about this undo waits to take effect."""
        return step in self._decisions

    async def _outcome(self, step: str, task: asyncio.Future[object]) -> Resolve | None:
        """The operator's decision about an undo, or None when it has finished by itself."""
        self._decisions.pop(step, None)
        if step not in self._stuck:
            try:
                await workflow.wait_condition(task.done, timeout=self._attention_after)
            except TimeoutError:
                self._stuck.append(step)
                workflow.logger.warning("undo.stuck %s", step)
                await self._attention.raise_(step)
        await workflow.wait_condition(lambda: task.done() or self.decided(step))
        if task.done():
            task.result()
            return None
        return self._decisions.pop(step)


def _invalid(message: str) -> ApplicationError:
    return ApplicationError(message, type=INVALID_RESOLUTION)
