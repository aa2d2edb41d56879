"""Logs: one JSON line per event; of an exception only the type and the place."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from sandbox.layout import ROOT

#: Text that can break a line, a terminal, or a JSON parser.
HOSTILE = [
    'a\r\n{"event": "forged", "level": "critical"}',
    "\x1b[2J\x1b]0;owned\x07",
    "\u009b31m",
    "one\u2028two\u2029three\x85four\x0bfive\x0csix",
    '", "event": "forged',
    "\x00\x7f\u202e\ud800",
]
BEGIN = """
import logging, threading, warnings
import structlog
from services import logs
logs.set_up()
log = structlog.get_logger("api.test")
def fail(password):
    raise ValueError("canary: " + password)
"""


def logged(script: str) -> list[dict[str, Any]]:
    """The events that a process with our logging writes; every line must be one."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + script], cwd=ROOT, capture_output=True, timeout=60, check=False
    )
    assert done.stdout == b""
    text = done.stderr.decode("ascii")
    assert text.isprintable() or text.replace("\n", "").isprintable()
    return [json.loads(line) for line in text.splitlines()]


def test_T114_one_line_an_event() -> None:
    events = logged(
        f"for value in {HOSTILE!a}:\n"
        "    log.info('a.name', value=value)\n"
        "    log.info(value)\n"
        "    logging.getLogger('uvicorn.error').warning('header %s', value)\n"
    )
    assert [event["level"] for event in events] == ["info", "info", "warning"] * len(HOSTILE)
    assert [event["value"] for event in events[::3]] == HOSTILE
    assert [event["event"] for event in events[2::3]] == [f"header {value}" for value in HOSTILE]


@pytest.mark.parametrize(
    ("script", "event"),
    [
        ("try:\n    fail('hunter2')\nexcept ValueError:\n    log.exception('a.failure')", "a.failure"),
        (
            "try:\n    fail('hunter2')\nexcept ValueError as error:\n    log.error('a.failure', exc_info=error)",
            "a.failure",
        ),
        (
            "try:\n    fail('hunter2')\nexcept ValueError:\n    logging.getLogger('x').exception('a.failure')",
            "a.failure",
        ),
        ("fail('hunter2')", "process.crashed"),
        (
            "started = threading.Thread(target=fail, args=['hunter2'])\nstarted.start()\nstarted.join()",
            "thread.crashed",
        ),
    ],
    ids=["structlog", "exc-info", "library", "uncaught", "in-a-thread"],
)
def test_T113_an_exception_is_logged_without_its_text(script: str, event: str) -> None:
    (found,) = logged(script)
    assert (found["event"], found["error"]) == (event, "ValueError")
    assert found["frames"][-1].endswith(":fail")
    assert "hunter2" not in str(found)


def test_a_warning_is_an_event() -> None:
    (found,) = logged("warnings.warn('two\\nlines')")
    assert found["level"] == "warning"
    assert "UserWarning: two\nlines" in found["event"]


IN_ACTIVITY = """
from temporalio import activity
from temporalio.testing import ActivityEnvironment
from workers.log_context import log_fields
log_fields()
def step():
    activity.logger.warning("a.thing", extra={"rows": 3})
ActivityEnvironment().run(step)
"""


def test_a_message_of_an_activity_is_an_event_with_fields() -> None:
    (found,) = logged(IN_ACTIVITY)
    info = ActivityEnvironment.default_info()
    assert (found["event"], found["level"], found["rows"]) == ("a.thing", "warning", 3)
    assert (found["workflow_id"], found["trace_id"]) == (info.workflow_id, info.workflow_run_id)
    assert (found["activity"], found["attempt"]) == (info.activity_type, info.attempt)
    assert found.keys() == {"event", "level", "at", "rows", "workflow_id", "trace_id", "activity", "attempt"}


def test_extra_fields_of_other_libraries_are_left_out() -> None:
    (found,) = logged("logging.getLogger('uvicorn').warning('a.thing', extra={'color_message': 'hunter2'})")
    assert found.keys() == {"event", "level", "at"}
