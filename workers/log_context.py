"""Log lines of steps name their workflow; messages of the SDK's loggers are events with fields."""

from __future__ import annotations

from typing import Any

from structlog.contextvars import bound_contextvars
from temporalio import activity, workflow
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


def log_fields() -> None:
    """Have the loggers of workflows and activities pass details as fields (see `services.logs`), not as text."""
    activity.logger.activity_info_on_message = False
    workflow.logger.workflow_info_on_message = False


class LogContext(Interceptor):
    """Adds workflow, run (as `trace_id`) and activity to every line that is logged while an activity runs."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Binding(next)


class _Binding(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        info = activity.info()
        with bound_contextvars(
            workflow_id=info.workflow_id, trace_id=info.workflow_run_id, activity=info.activity_type
        ):
            return await super().execute_activity(input)
