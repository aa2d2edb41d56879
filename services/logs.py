"""Logs as one JSON line an event, from structlog and from libraries alike."""

from __future__ import annotations

import logging
import sys

import structlog

from services.settings import Settings


def set_up(settings: Settings) -> None:
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
                structlog.processors.dict_tracebacks if settings.development else _without_traceback,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    # structlog's own loggers take their name from the module that logs.
    for room in ("api", "services", "workers", "workflows", "activities", "__main__", "temporalio.activity"):
        logging.getLogger(room).setLevel(logging.INFO)


def _without_traceback(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    # Frames carry values that came from people; the trace id and the place are enough.
    error = event.pop("exc_info", None)
    if isinstance(error, tuple) and error[0]:
        event["error"] = error[0].__name__
    return event
