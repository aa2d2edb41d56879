"""Logs as one JSON line an event, from structlog and from libraries alike, and never a value of an exception."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

import structlog

#: How many of the innermost frames of an exception are named.
FRAMES = 8


def set_up() -> None:
    """Send every event to standard error; times in UTC, levels from INFO (libraries from WARNING)."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
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
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                places_of_errors,
                # ASCII: some readers end a line at U+2028, and terminals obey U+009B
                structlog.processors.JSONRenderer(ensure_ascii=True),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # structlog's own loggers take their name from the module that logs.
    for room in ("api", "services", "workers", "workflows", "activities", "__main__", "temporalio.activity"):
        logging.getLogger(room).setLevel(logging.INFO)
    _catch_the_rest()


def places_of_errors(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Say of an exception its type and where it came from.

    Its text and its variables are left out, in development too: drivers put rows and parameters there.
    """
    told = event.pop("exc_info", None)
    error = sys.exc_info()[1] if told is True else told[1] if isinstance(told, tuple) else told
    if isinstance(error, BaseException):
        event["error"] = type(error).__name__
        frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
        event["frames"] = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}:{frame.name}" for frame in frames]
    return event


def _catch_the_rest() -> None:
    # What nobody caught would be printed with its text, and over many lines.
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
