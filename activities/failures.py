"""Replaces every exception of an activity by its code, because failures are plain text in a workflow's history."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from services.errors import Refused, Unavailable


class FailuresAsCodes(Interceptor):
    """Business refusals become non-retryable errors typed by their code; every other failure is retried.

    The message and the cause of an exception are dropped: messages of drivers carry values.
    """

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 - the SDK's name
        return _Translating(next)


class _Translating(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 - the SDK's name
        try:
            return await super().execute_activity(input)
        except (asyncio.CancelledError, CancelledError, activity._CompleteAsyncError):
            raise
        except Refused as refusal:
            # Benign: a refusal is an answer, not a failure to be logged or counted.
            raise ApplicationError(
                refusal.code, type=refusal.code, non_retryable=True, category=ApplicationErrorCategory.BENIGN
            ) from None
        except Unavailable as trouble:
            raise ApplicationError(trouble.code, type=trouble.code) from None
        except Exception as bug:
            activity.logger.error("activity.failed", extra={"error": type(bug).__name__, "place": _place(bug)})
            raise ApplicationError("internal-error", type=type(bug).__name__) from None


def _place(bug: Exception) -> str:
    """Function and line of our own code; the message is not logged, because it may carry values."""
    frames = traceback.extract_tb(bug.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename] or frames
    return f"{ours[-1].name}:{ours[-1].lineno}"
