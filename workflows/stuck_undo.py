"""Undos that keep failing: they ask for a person, are retried without limit, and can be resolved by that person."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

with workflow.unsafe.imports_passed_through():
    from activities.messages import Resolve
    from services.errors import InvalidTransition
    from services.orders.status import RECOVERED, ResolveAction
    from workflows.attention import Attention
    from workflows.compensation import Undo, refusal_of

#: The type of the failure when a decision cannot be taken.
INVALID_RESOLUTION = "invalid-resolution"
#: Since this patch an undo ends after the decisions about it that are being written down.
DECISIONS_FIRST = "decisions-before-the-end-of-their-undo"
#: What the Web UI says about the query `next_tries`.
NEXT_TRIES = (
    "When each undo that waits for the provider runs again (UTC). "
    "One that is missing has a pending activity, or has ended."
)
#: What the Web UI says about the Update `resolve`.
RESOLVE = (
    "Decide about an undo that is stuck (NeedsAttention, AttentionReason). "
    'Input: {"step": "refund_payment", "action": "retry"} to try again now; '
    '{"step": "refund_payment", "action": "mark_done", "reference": "bank transfer 4711", "by": "anna"} '
    "after it was done by hand; "
    '{"step": "refund_payment", "action": "write_off", "reference": "account closed", "by": "anna"} to take the loss. '
    "Steps: release_stock, refund_payment, and the id of the workflow for a late payment; "
    "payment_review with retry asks the provider at once."
)


class StuckUndoWatch:
    """Runs undos and knows which of them are stuck."""

    def __init__(
        self, attention_after: int, attention: Attention, record: Callable[[Resolve, str], Awaitable[None]]
    ) -> None:
        """`attention_after`: seconds of trying until an undo is stuck; `record` writes a decision and its id down."""
        self._attention_after = timedelta(seconds=attention_after)
        self._attention = attention
        self._record = record
        self._stuck: list[str] = []
        #: when an undo becomes stuck; later when the provider asks for more time
        self._deadlines: dict[str, datetime] = {}
        self._decisions: dict[str, Resolve] = {}
        #: how many decisions about each undo are being written down
        self._written = Counter[str]()
        self._tries: dict[str, datetime] = {}

    async def run(self, undo: Undo) -> None:
        """Run an undo until it is done, or until an operator decides that it is."""
        self._deadlines[undo.step] = workflow.now() + self._attention_after
        while True:
            task = asyncio.ensure_future(undo.run())
            decision = await self._outcome(undo.step, task)
            if decision is None:
                break
            task.cancel()
            # A workflow that ended while a local activity is open would send commands that the server refuses.
            await workflow.wait_condition(task.done)
            if decision.action != ResolveAction.RETRY:
                break
        if self._written[undo.step] and workflow.patched(DECISIONS_FIRST):
            await workflow.wait_condition(lambda: not self._written[undo.step])
        self._tries.pop(undo.step, None)
        # One that came when the undo had just finished decides nothing, also when the undo has to run again.
        self._decisions.pop(undo.step, None)
        if undo.step in self._stuck:
            self._stuck.remove(undo.step)
            await self._attention.clear(undo.step)

    @property
    def tries(self) -> dict[str, str]:
        """When each undo that waits runs again: the time (ISO 8601) by its step."""
        return {step: at.isoformat() for step, at in self._tries.items()}

    def waits(self, step: str, seconds: float, again_in: float) -> None:
        """An undo is not done yet, and the provider may take so many seconds more; 0: something failed.

        Waiting is not failing: an undo becomes stuck when the provider's time is over, or some time after a failure.
        `again_in`: seconds until it runs again.
        """
        self._tries[step] = workflow.now() + timedelta(seconds=again_in)
        deadline = workflow.now() + timedelta(seconds=seconds) + self._attention_after
        self._deadlines[step] = deadline if seconds else min(self._deadlines[step], deadline)

    def check(self, decision: Resolve) -> None:
        """Raises ApplicationError for a decision that resolves nothing."""
        if decision.action not in [*ResolveAction]:
            raise _invalid(f"action must be one of {', '.join(ResolveAction)}")
        if decision.step in RECOVERED:
            raise _invalid(f"{decision.step} is not resolved here: use `order resolve NUMBER retry`, or the REST API")
        if decision.step not in self._stuck:
            raise _invalid(f"that step is not stuck; stuck: {', '.join(self._stuck) or 'nothing'}")
        if decision.action == ResolveAction.MARK_DONE and not decision.reference:
            raise _invalid("mark_done needs the reference of what was done by hand")
        if decision.action == ResolveAction.WRITE_OFF and not decision.reference:
            raise _invalid("write_off needs a reference: why the loss is taken")

    async def resolve(self, decision: Resolve, decision_id: str) -> str:
        """Write an operator's decision down, then let it take effect: a saga cannot end before it is booked.

        It is about the present run of the undo, which ends after it, and never about a later one.
        Raises ApplicationError when the undo was done meanwhile, so that nothing was left to decide.
        """
        self._written[decision.step] += 1
        try:
            await self._record(decision, decision_id)
        except FailureError as error:
            if refusal_of(error) != InvalidTransition.code:
                raise
            raise _invalid(
                f"{decision.step} was done meanwhile: nothing was left to decide, and nothing was booked;"
                " it ends by itself, or at once by retry"
            ) from None
        finally:
            self._written[decision.step] -= 1
        self._decisions[decision.step] = decision
        return f"{decision.step}: {decision.action}"

    def decided(self, step: str) -> bool:
        """Whether a decision about this undo waits to take effect."""
        return step in self._decisions

    async def _outcome(self, step: str, task: asyncio.Future[object]) -> Resolve | None:
        """The operator's decision about an undo, or None when it has finished by itself."""
        if step not in self._stuck and not await self._ends_in_time(step, task):
            self._stuck.append(step)
            workflow.logger.warning("undo.stuck", extra={"step": step})
            await self._attention.raise_(step)
        await workflow.wait_condition(lambda: task.done() or self.decided(step))
        if task.done():
            task.result()
            return None
        return self._decisions.pop(step)

    async def _ends_in_time(self, step: str, task: asyncio.Future[object]) -> bool:
        while not task.done() and (left := self._deadlines[step] - workflow.now()) > timedelta(0):
            await self._wait_until(step, task, left)
        return task.done()

    async def _wait_until(self, step: str, task: asyncio.Future[object], left: timedelta) -> None:
        """Wait for the end of an undo, for so long, or until its deadline comes earlier."""
        deadline = self._deadlines[step]
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: task.done() or self._deadlines[step] < deadline,
                timeout=left,
                timeout_summary=f"ask for a person unless {step} is done",
            )


def end_of_wait(seconds: float) -> datetime | None:
    """When the time that the provider may still take is over; None for 0: something failed."""
    return workflow.now() + timedelta(seconds=seconds) if seconds else None


def update_id() -> str:
    """The id of the Update that is being handled."""
    info = workflow.current_update_info()
    return info.id if info else ""


def _invalid(message: str) -> ApplicationError:
    return ApplicationError(message, type=INVALID_RESOLUTION, non_retryable=True)
