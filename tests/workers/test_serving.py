"""Serving: a worker runs the project's workflows, and the background work is ensured despite errors."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, cast

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.messages import PeriodicJob
from sandbox.temporal import TemporalServer
from services.bootstrap import Services
from services.clock import new_id
from workers.serving import keep_background_work, make_worker
from workflows.background import DISPATCH_ID, RELAY_ID
from workflows.client import TASK_QUEUE, connect
from workflows.maintenance import PeriodicWorkflow


@pytest.mark.parametrize(
    ("sandbox", "runner"), [("on", SandboxedWorkflowRunner), ("off", UnsandboxedWorkflowRunner)], ids=["on", "off"]
)
async def test_a_worker_runs_workflows_and_activities_as_the_settings_say(
    temporal: TemporalServer, services: Services, sandbox: str, runner: type
) -> None:
    update = {"temporal_address": temporal.address, "workflow_sandbox": sandbox, "worker_threads": 4}
    services = replace(services, settings=services.settings.model_copy(update=update))
    client = await connect(services.settings)
    with ThreadPoolExecutor(4) as executor:
        async with make_worker(client, services, executor=executor) as worker:
            job = PeriodicJob("sweep_reservations", every=1, attempt=5, rounds=1)
            sweep = await client.start_workflow(
                PeriodicWorkflow.run, job, id=f"sweep-{new_id()}", task_queue=TASK_QUEUE
            )
            assert sweep.result_run_id
            async with asyncio.timeout(20):
                while (await sweep.describe()).run_id == sweep.result_run_id:
                    await asyncio.sleep(0.1)
            await sweep.terminate()
    config = worker.config()
    assert type(config["workflow_runner"]) is runner
    assert (config["max_concurrent_activities"], config["max_concurrent_local_activities"]) == (4, 4)


class UnreliableClient:
    """Fails the first start of a workflow, and then records the workflows that are started."""

    def __init__(self) -> None:
        self.failures = 1
        self.started: list[str] = []
        self.complete = asyncio.Event()

    async def start_workflow(self, _: object, *, id: str, **__: Any) -> None:  # noqa: A002 - the SDK's name
        if self.failures:
            self.failures -= 1
            raise RPCError("not available", RPCStatusCode.UNAVAILABLE, b"")
        self.started.append(id)
        if {RELAY_ID, DISPATCH_ID} <= set(self.started):
            self.complete.set()

    def get_schedule_handle(self, _: str) -> UnreliableClient:
        return self

    async def delete(self) -> None:
        raise RPCError("there is no such schedule", RPCStatusCode.NOT_FOUND, b"")


async def test_the_background_work_is_ensured_again_after_an_error() -> None:
    client = UnreliableClient()
    keeping = asyncio.create_task(keep_background_work(cast(Client, client)))
    await asyncio.wait_for(client.complete.wait(), 10)
    assert client.failures == 0
    assert not keeping.done()
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
