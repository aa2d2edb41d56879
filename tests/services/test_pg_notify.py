"""The listener of the database calls its subscribers, whatever one of them or the connection does."""

from __future__ import annotations

import queue
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from services.db import Database
from services.pg_notify import OUTBOX, PgListener

#: Seconds to wait for a notification: a failed attempt is repeated after one.
WITHIN = 5


class FailsOnce(PgListener):
    """A listener with a bug that shows once."""

    failed = False

    def _listen(self) -> None:
        if not self.failed:
            self.failed = True
            raise KeyError("a bug")
        super()._listen()


@pytest.fixture
def received() -> queue.Queue[str]:
    return queue.Queue()


@pytest.fixture
def listener(database_url: str, received: queue.Queue[str]) -> Iterator[FailsOnce]:
    """A listener that has not started; the last of its subscribers is the queue."""
    made = FailsOnce(database_url)
    made.subscribe(OUTBOX, _broken)
    made.subscribe(OUTBOX, received.put)
    yield made
    made.stop()


def _broken(_: str) -> None:
    raise KeyError("a bug")


def test_F93_a_listener_goes_on_after_an_unexpected_error_and_a_subscriber_that_fails(
    listener: FailsOnce, received: queue.Queue[str], database: Database
) -> None:
    with capture_logs() as logs:
        listener.start()
        assert received.get(timeout=WITHIN) == ""
        for payload in ("first", "second"):
            database.execute("SELECT pg_notify(%(channel)s, %(payload)s)", {"channel": OUTBOX, "payload": payload})
            assert received.get(timeout=WITHIN) == payload
    assert [line["event"] for line in logs] == ["pg_listener.failed", *["pg_listener.subscriber_failed"] * 3]
    assert {line["log_level"] for line in logs} == {"error"}
