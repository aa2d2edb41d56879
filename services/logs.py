"""Logging: one JSON line per event, from structlog and from libraries; never the text of an exception."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from types import TracebackType

import structlog

#: Number of innermost frames of an exception that are logged.
FRAMES = 8


def set_up() -> None:
    """Log every event to standard error; times in UTC, levels from INFO (libraries from WARNING)."""
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
    for package in ("api", "services", "workers", "workflows", "activities", "__main__", "temporalio.activity"):
        logging.getLogger(package).setLevel(logging.INFO)
    _log_uncaught()


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
