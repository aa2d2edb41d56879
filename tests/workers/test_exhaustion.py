"""A step or a workflow that runs out of memory ends its worker, and no other failure does."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    ExecuteWorkflowInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
)

from activities.failures import FailuresAsCodes
from services.errors import OutOfStock
from workers.exhaustion import ExhaustionEndsWorker
from workers.log_context import LogContext
from workers.registry import INTERCEPTORS

cases = pytest.mark.parametrize(
    ("error", "ends"), [(MemoryError(), 1), (RuntimeError("can't start new thread"), 1), (OutOfStock([]), 0)]
)


class RaisingActivity(ActivityInboundInterceptor):
    """The activity itself: raises what the test gives it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> NoReturn:  # noqa: A002 - the SDK's name
        raise self._error


class RaisingWorkflow(WorkflowInboundInterceptor):
    """The workflow itself: raises what the test gives it."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_workflow(self, input: ExecuteWorkflowInput) -> NoReturn:  # noqa: A002 - the SDK's name
        raise self._error


async def nothing(*_: Any) -> None: ...


@cases
async def test_F13_only_a_lack_of_memory_or_threads_in_a_step_ends_the_worker(error: Exception, ends: int) -> None:
    ended: list[BaseException] = []
    watching = ExhaustionEndsWorker(ended.append).intercept_activity(RaisingActivity(error))
    call = ExecuteActivityInput(fn=nothing, args=(), executor=None, headers={})
    with pytest.raises(ApplicationError):
        await ActivityEnvironment().run(FailuresAsCodes().intercept_activity(watching).execute_activity, call)
    assert ended == [error] * ends


@cases
async def test_F13_only_a_lack_of_memory_or_threads_in_a_workflow_ends_the_worker(error: Exception, ends: int) -> None:
    ended: list[BaseException] = []
    given = WorkflowInterceptorClassInput(unsafe_extern_functions={})
    intercept = ExhaustionEndsWorker(ended.append).workflow_interceptor_class(given)
    call = ExecuteWorkflowInput(type=object, run_fn=nothing, args=(), headers={})
    with pytest.raises(type(error)):
        await intercept(RaisingWorkflow(error)).execute_workflow(call)
    assert ended == [error] * ends


def test_the_error_is_seen_before_it_becomes_a_code() -> None:
    assert [type(each) for each in INTERCEPTORS] == [LogContext, FailuresAsCodes, ExhaustionEndsWorker]
