"""Watching undos: one that keeps failing asks for a person, goes on trying, and can be settled by that person."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.messages import Resolve
    from workflows.compensation import Undo
    from workflows.search_attributes import ATTENTION_REASON, NEEDS_ATTENTION

ACTIONS = ("retry", "mark_done", "write_off")


class Watch:
    """Runs undos and knows which of them are stuck."""

    def __init__(
        self,
        attention_after: int,
        raise_attention: Callable[[str | None], Awaitable[None]],
        record: Callable[[str, str, str], Awaitable[None]],
    ) -> None:
        """`attention_after`: seconds of trying until a person is asked."""
        self._patience = timedelta(seconds=attention_after)
        self._raise_attention = raise_attention
        self._record = record
        self._stuck: list[str] = []
        self._decisions: dict[str, Resolve] = {}

    async def over(self, name: str, undo: Undo) -> None:
        """Run one undo until it is done, or until a person says that it is."""
        while True:
            task = asyncio.ensure_future(undo())
            decision = await self._outcome(name, task)
            if decision is None:
                break
            task.cancel()
            if decision.action != "retry":
                break
        await self._no_longer_stuck(name)

    async def _outcome(self, name: str, task: asyncio.Future[None]) -> Resolve | None:
        self._decisions.pop(name, None)
        if name not in self._stuck:
            try:
                await workflow.wait_condition(task.done, timeout=self._patience)
            except TimeoutError:
                await self._now_stuck(name)
        await workflow.wait_condition(lambda: task.done() or name in self._decisions)
        if task.done():
            return task.result()
        return self._decisions.pop(name)

    def check(self, decision: Resolve) -> None:
        """Refuse a decision that settles nothing. Raises ApplicationError."""
        if decision.action not in ACTIONS:
            raise ApplicationError(f"action must be one of {', '.join(ACTIONS)}", type="InvalidResolution")
        if decision.step not in self._stuck:
            stuck = ", ".join(self._stuck) or "nothing"
            raise ApplicationError(f"that step is not stuck; stuck: {stuck}", type="InvalidResolution")
        if decision.action == "mark_done" and not decision.reference:
            raise ApplicationError("mark_done needs the reference of what was done by hand", type="InvalidResolution")

    async def resolve(self, decision: Resolve) -> str:
        """Take an operator's decision; answers when it is written down."""
        self._decisions[decision.step] = decision
        await self._record(decision.step, decision.action, decision.reference)
        return f"{decision.step}: {decision.action}"

    async def _now_stuck(self, name: str) -> None:
        self._stuck.append(name)
        workflow.logger.warning("undo.stuck %s", name)
        workflow.upsert_search_attributes([NEEDS_ATTENTION.value_set(True), ATTENTION_REASON.value_set(name)])
        await self._raise_attention(name)

    async def _no_longer_stuck(self, name: str) -> None:
        if name not in self._stuck:
            return
        self._stuck.remove(name)
        if not self._stuck:
            workflow.upsert_search_attributes([NEEDS_ATTENTION.value_set(False), ATTENTION_REASON.value_unset()])
            await self._raise_attention(None)
