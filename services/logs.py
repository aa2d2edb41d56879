"""Logging: one JSON line per event, from structlog and from libraries; never the text of an exception."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
import traceback
from types import TracebackType

import structlog

from services import tracing

#: The loggers that workflows and activities write to.
_TEMPORAL = ("temporalio.activity", "temporalio.workflow")
#: What is logged of a workflow or an activity, by the SDK's name for it.
_DETAILS = {
    "workflow_id": "workflow_id",
    "run_id": "trace_id",
    "workflow_run_id": "trace_id",
    "activity_type": "activity",
    "attempt": "attempt",
}
_STANDARD = frozenset(vars(logging.makeLogRecord({})))
#: Number of innermost frames of an exception that are logged.
FRAMES = 8


def set_up() -> None:
    """Log every event to standard error; times in UTC, levels from INFO (libraries from WARNING)."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        trace_fields,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, temporal_fields],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                error_location,
                # ASCII only: some readers end a line at U+2028, and terminals interpret U+009B.
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # structlog names its loggers after the module that logs.
    for package in ("api", "services", "workers", "workflows", "activities", "__main__", *_TEMPORAL):
        logging.getLogger(package).setLevel(logging.INFO)
    # OpenTelemetry reports what it does not mind: a workflow that leaves the worker's cache is ended by another task.
    logging.getLogger("opentelemetry.context").setLevel(logging.CRITICAL)
    _log_uncaught()
    atexit.register(_forget_unwritten)


def trace_fields(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Name the current trace as `trace_id`, in place of the request or the run, when tracing is on."""
    if current := tracing.trace_id():
        event["trace_id"] = current
    return event


def temporal_fields(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Add the fields of a message of `workflow.logger` or `activity.logger`: its `extra`, and where it was written."""
    record: logging.LogRecord = event["_record"]
    if record.name not in _TEMPORAL:
        return event
    extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
    details = {**extra.pop("temporal_activity", {}), **extra.pop("temporal_workflow", {})}
    extra.pop("temporal_workflow_update", None)
    named = {_DETAILS[name]: value for name, value in details.items() if name in _DETAILS}
    return {**extra, **named, **event}


def error_location(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Replace an exception by its type and its innermost frames.

    Its text and its variables are left out, in development too: drivers put rows and parameters there.
    """
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["frames"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}:{frame.name}" for frame in frames]
    return event


def _log_uncaught() -> None:
    # By default an uncaught exception is printed with its text, on several lines.
    def of_process(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        logging.getLogger("services.logs").critical("process.crashed", exc_info=(kind, error, at))

    def of_thread(caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is not None and not isinstance(caught.exc_value, SystemExit):
            logging.getLogger("services.logs").error("thread.crashed", exc_info=caught.exc_value)

    sys.excepthook = of_process
    threading.excepthook = of_thread
    logging.captureWarnings(True)


def _forget_unwritten() -> None:
    """Lines that a full disk does not take must not change how the process ends: Python would exit with 120."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
