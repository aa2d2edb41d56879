"""Lanes on a real server: the local lane first, the regular one after a failure, and unique activity ids."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from workflows.compensation import refusal_of
    from workflows.lanes import POLL_INTERVALS, TRANSACTION, Lanes, poll_interval

QUEUE = "lanes"


@dataclass
class Steps:
    """A step that fails as often as the test wants."""

    failures: int = 0
    refused: bool = False
    #: how long the step takes
    seconds: float = 0
    ids: list[str] = field(default_factory=list)

    @activity.defn(name="wrap_gift", no_thread_cancel_exception=True)
    def wrap_gift(self, count: int) -> int:
        self.ids.append(activity.info().activity_id)
        time.sleep(self.seconds)
        if self.refused:
            raise ApplicationError("no", type="out-of-stock", non_retryable=True)
        if self.failures:
            self.failures -= 1
            raise ApplicationError("away", type="service-unavailable")
        return count


@workflow.defn(name="LanesWorkflow", sandboxed=False)
class LanesWorkflow:
    """Runs the step twice at once."""

    @workflow.run
    async def run(self, local: bool) -> list[int]:
        lanes = Lanes(local=local)
        calls = [lanes.run(Steps.wrap_gift, number, TRANSACTION) for number in (1, 2)]
        # Both have to end: a workflow that ends while a local activity is open hangs.
        results = await asyncio.gather(*calls, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return [result for result in results if isinstance(result, int)]


@asynccontextmanager
async def working(client: Client, steps: Steps, slots: int) -> AsyncIterator[None]:
    with ThreadPoolExecutor(2) as pool:
        worker = Worker(
            client,
            task_queue=QUEUE,
            workflows=[LanesWorkflow],
            activities=[steps.wrap_gift],
            activity_executor=pool,
            max_concurrent_local_activities=slots,
        )
        async with worker:
            yield


async def run(client: Client, steps: Steps, *, local: bool, slots: int = 2) -> tuple[list[int], list[str]]:
    """The results of both calls, and the ids of the regular activities in the history."""
    async with working(client, steps, slots):
        id_ = f"lanes-{uuid.uuid4()}"
        handle = await client.start_workflow(LanesWorkflow.run, local, id=id_, task_queue=QUEUE)
        result = await asyncio.wait_for(handle.result(), 20)
        history = await handle.fetch_history()
    scheduled = [
        event.activity_task_scheduled_event_attributes.activity_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
    ]
    return result, scheduled


async def test_a_step_that_succeeds_leaves_no_regular_activity(client: Client) -> None:
    steps = Steps()
    assert await run(client, steps, local=True) == ([1, 2], [])
    assert sorted(steps.ids) == ["wrap_gift-2-local", "wrap_gift-local"]


async def test_without_the_local_lane_every_call_has_an_id_of_its_own(client: Client) -> None:
    assert await run(client, Steps(), local=False) == ([1, 2], ["wrap_gift", "wrap_gift-2"])


async def test_a_local_failure_moves_to_the_regular_lane(client: Client) -> None:
    results, scheduled = await run(client, Steps(failures=2), local=True)
    assert (results, sorted(scheduled)) == ([1, 2], ["wrap_gift", "wrap_gift-2"])


async def test_a_step_that_waits_for_a_slot_of_the_worker_stays_in_the_local_lane(client: Client) -> None:
    assert await run(client, Steps(seconds=1.4), local=True, slots=1) == ([1, 2], [])


async def test_a_refusal_passes_through_at_once(client: Client) -> None:
    steps = Steps(refused=True)
    with pytest.raises(WorkflowFailureError) as failed:
        await run(client, steps, local=True)
    assert refusal_of(failed.value.cause) == "out-of-stock"
    assert all(id_.endswith("-local") for id_ in steps.ids)


def test_looks_become_rarer_but_never_earlier_than_asked_for() -> None:
    assert [poll_interval(looks, 0) for looks in range(7)] == [*POLL_INTERVALS, POLL_INTERVALS[-1], POLL_INTERVALS[-1]]
    assert poll_interval(0, 20) == 20
