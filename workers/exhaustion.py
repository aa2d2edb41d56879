"""A step or a workflow that runs out of memory or threads ends its worker instead of being retried in it."""

from __future__ import annotations

from typing import Any

from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from services.exhaustion import End, end_process, is_exhaustion


class ExhaustionEndsWorker(Interceptor):
    """Calls `end` with an error that says that memory or threads ran out; inside `FailuresAsCodes`, which hides it."""

    def __init__(self, end: End = end_process) -> None:
        self._end = end

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _WatchingActivity(next, self._end)

    def workflow_interceptor_class(self, _: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        end = self._end

        class WatchingWorkflow(WorkflowInboundInterceptor):
            async def execute_workflow(self, input: ExecuteWorkflowInput) -> Any:  # noqa: A002 - the SDK's name
                try:
                    return await super().execute_workflow(input)
                except Exception as error:
                    if is_exhaustion(error):
                        end(error)
                    raise

        return WatchingWorkflow


class _WatchingActivity(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, end: End) -> None:  # noqa: A002 - the SDK's name
        super().__init__(next)
        self._end = end

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        try:
            return await super().execute_activity(input)
        except Exception as error:
            if is_exhaustion(error):
                self._end(error)
            raise
