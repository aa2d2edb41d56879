"""Log lines of steps have the workflow, its run and the activity."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import structlog
from temporalio import activity
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from workers.log_context import LogContext


class Step(ActivityInboundInterceptor):
    """The activity itself: logs in another thread, as synchronous activities do."""

    def __init__(self) -> None:
        self.context: dict[str, object] = {}

    async def execute_activity(self, input: ExecuteActivityInput) -> None:  # noqa: A002 - the SDK's name
        with ThreadPoolExecutor(1) as pool:
            loop = asyncio.get_running_loop()
            self.context = await loop.run_in_executor(pool, copy_context().run, structlog.contextvars.get_contextvars)


async def test_the_fields_are_bound_while_the_activity_runs() -> None:
    step = Step()
    interceptor = LogContext().intercept_activity(step)

    @activity.defn
    async def run() -> dict[str, object]:
        await interceptor.execute_activity(ExecuteActivityInput(fn=run, args=(), executor=None, headers={}))
        return structlog.contextvars.get_contextvars()

    after = await ActivityEnvironment().run(run)
    info = ActivityEnvironment.default_info()
    assert step.context == {
        "workflow_id": info.workflow_id,
        "trace_id": info.workflow_run_id,
        "activity": info.activity_type,
    }
    assert after == {}
