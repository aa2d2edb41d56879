"""When what an order needs a person for is tried again by itself, and how an operator has it tried at once."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client
from temporalio.exceptions import TemporalError

from activities.recovery import RecoveryActivities, RunState
from services.errors import InvalidTransition, Unavailable
from services.orders.status import (
    NO_PROGRESS,
    PAYMENT_REVIEW,
    WORKFLOW_FAILING,
    WORKFLOW_LOST,
    OrderEventType,
    ResolveAction,
    UndoStep,
)
from workflows.client import temporal_errors_as_unavailable
from workflows.ids import order_workflow_id
from workflows.order_commands import RESOLVE_TIMEOUT, OrderCommands
from workflows.order_runs import OrderRuns, PendingStep, describe_workflow, pending_steps, status_of

if TYPE_CHECKING:
    from services.orders.recovery import OrderRecovery
    from services.orders.transitions import OrderTransitions

#: Seconds for all questions to Temporal about one order.
ASK = 1.0
_OPEN = "Its workflow is open, so nothing was started."
_NOTHING_FAILED = f"{_OPEN} No step of it waits to be tried again: look at what it waits for, or cancel the order."
_STILL_OPEN = (
    f"{_OPEN} The reason disappears when the order goes on, or when its workflow has been open for 20 minutes."
)


class OrderRetries:
    """Recovery as operators use it, for one order."""

    def __init__(
        self, commands: Callable[[], OrderCommands | None], recovery: OrderRecovery, orders: OrderTransitions
    ) -> None:
        """`commands` returns None while Temporal was never reached."""
        self._commands = commands
        self._recovery = recovery
        self._orders = orders

    async def next_tries(self, order_id: UUID, reasons: Collection[str]) -> Mapping[str, datetime]:
        """When the cause of each attention reason is tried again by itself; now, while it is being tried.

        A reason is missing when nothing is tried, and when Temporal or the workflow does not answer within a second.
        """
        commands, tries = self._commands(), dict[str, datetime]()
        due_at = await asyncio.to_thread(self._recovery.due_at, order_id)
        if WORKFLOW_LOST in reasons and due_at:
            tries[WORKFLOW_LOST] = max(due_at, datetime.now(UTC))
        if commands is None:
            return tries
        by_workflow: dict[str, list[str]] = {}
        for reason in reasons:
            by_workflow.setdefault(_workflow_of(order_id, reason), []).append(reason)
        answers = await asyncio.gather(
            *(_answer(commands.client, workflow_id, of_it) for workflow_id, of_it in by_workflow.items())
        )
        for (workflow_id, of_it), answer in zip(by_workflow.items(), answers, strict=True):
            if answer is None:
                continue
            recovered_at = due_at if workflow_id == order_workflow_id(order_id) else None
            for reason in of_it:
                tries.pop(reason, None)
                if at := answer.next_try(reason, recovered_at):
                    tries[reason] = at
        return tries

    async def retry(self, order_id: UUID, reason: str, by: str) -> str:
        """Try again at once, for the operator `by`, what a reason that no undo raised is about; returns what was done.

        The workflow of the order is started if it is gone, as recovery does; one that was terminated cancels the order.
        Raises InvalidTransition, which says what is possible, when there is nothing to try, and Unavailable.
        """
        commands = self._commands()
        if commands is None:
            raise Unavailable("Temporal was not reached yet. Try again.", retry_after=5)
        runs = OrderRuns(commands.client, commands)
        try:
            with temporal_errors_as_unavailable():
                done = await asyncio.wait_for(self._retry(runs, order_id, reason), RESOLVE_TIMEOUT)
        except TimeoutError:
            raise Unavailable("Temporal does not answer in time. Try again.", retry_after=5) from None
        key, detail = (
            f"resolved:{reason}:{ResolveAction.RETRY}:{uuid.uuid4()}",
            f"{reason}: {ResolveAction.RETRY} by {by}",
        )
        await asyncio.to_thread(self._orders.note, order_id, OrderEventType.RESOLVED, key, detail=detail)
        return done

    async def _retry(self, runs: OrderRuns, order_id: UUID, reason: str) -> str:
        await self._refuse_ended(order_id)
        before, started = await RecoveryActivities(self._recovery, self._orders, runs).recover_now(order_id)
        if started and before is RunState.TERMINATED:
            return "Its workflow was terminated: it was started again, to cancel the order."
        if started:
            return "Its workflow was gone, and was started again."
        await self._refuse_ended(order_id)  # it may have ended meanwhile
        if reason != NO_PROGRESS:
            raise InvalidTransition(_STILL_OPEN)
        steps = await runs.retry_steps(order_id)
        if not steps:
            raise InvalidTransition(_NOTHING_FAILED)
        return f"Tried again at once: {', '.join(steps)}."

    async def _refuse_ended(self, order_id: UUID) -> None:
        if await asyncio.to_thread(self._recovery.due_at, order_id) is None:
            raise InvalidTransition("The order has ended: there is nothing to try again.")


class _Answer:
    """What Temporal says about one workflow."""

    def __init__(self, described: DescribeWorkflowExecutionResponse | None, waits: Mapping[str, str]) -> None:
        """`waits`: when the undos run again that wait for the provider, as the workflow itself says."""
        self._status = status_of(described) if described else "gone"
        self._steps = [step for step in pending_steps(described) if not step.paused] if described else []
        self._waits = waits
        self._now = datetime.now(UTC)
        task = described.pending_workflow_task.scheduled_time if described else None
        self._task_at = task.ToDatetime(UTC) if task else None

    def next_try(self, reason: str, recovered_at: datetime | None) -> datetime | None:
        """When the cause of a reason is tried again; None: not by itself, or not known.

        `recovered_at`: when recovery starts the workflow if it is gone.
        """
        if self._status == "paused":
            return None
        if self._status != "running":
            return max(recovered_at, self._now) if recovered_at else None
        if reason == WORKFLOW_FAILING:
            return self._task_at if self._task_at and self._task_at > self._now else None
        if reason == NO_PROGRESS:
            return min((self._at(step) for step in self._steps), default=None)
        if undo := UndoStep.REFUND_PAYMENT if reason == PAYMENT_REVIEW else UndoStep.of(reason):
            return self._next_undo(undo, reason)
        return None

    def _next_undo(self, undo: UndoStep, reason: str) -> datetime | None:
        failing = [self._at(step) for step in self._steps if step.name.startswith(undo)]
        if failing:
            return min(failing)
        waits = self._waits.get(undo) or self._waits.get(reason)
        return max(datetime.fromisoformat(waits), self._now) if waits else None

    def _at(self, step: PendingStep) -> datetime:
        return max(step.next_attempt or self._now, self._now)


async def _answer(client: Client, workflow_id: str, reasons: Collection[str]) -> _Answer | None:
    """None when Temporal does not answer; without the times of undos that wait when the workflow does not."""
    answer: _Answer | None = None
    with suppress(TemporalError, RuntimeError, TimeoutError):
        async with asyncio.timeout(ASK):
            described = await describe_workflow(client, workflow_id)
            answer = _Answer(described, {})
            undone = any(UndoStep.of(reason) or reason == PAYMENT_REVIEW for reason in reasons)
            if undone and described is not None and status_of(described) == "running":
                handle = client.get_workflow_handle(workflow_id)
                answer = _Answer(described, await handle.query("next_tries", result_type=dict[str, str]))
    return answer


def _workflow_of(order_id: UUID, reason: str) -> str:
    """The workflow that a reason is about: the attention reason of a late refund is the id of its workflow."""
    return reason if UndoStep.of(reason) is UndoStep.REFUND_LATE_PAYMENT else order_workflow_id(order_id)
