"""The checks of all open streams of a process go on after an error that nobody expected."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from structlog.testing import capture_logs

from api.orders import streams
from api.orders.streams import OrderStreams, Viewer
from services.bootstrap import Services
from services.clock import new_id
from services.identity.views import Caller, CallerKind


class FailsFirst:
    """Authenticates nobody, once it has failed as often as it should."""

    def __init__(self, failures: int) -> None:
        self._left = failures

    def ended(self, tokens: Collection[str]) -> set[str]:
        """All of them."""
        if self._left:
            self._left -= 1
            raise KeyError("a bug")
        return set(tokens)


async def test_F93_streams_are_checked_again_after_an_unexpected_error(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "CHECK_SECONDS", 0.02)
    opened = OrderStreams(services.orders, FailsFirst(2))
    viewer, notified = Viewer(Caller(CallerKind.BUYER, new_id(), None, "buyer"), "token"), asyncio.Event()
    with capture_logs() as logs, opened.opened(new_id(), viewer, notified) as stream:
        async with asyncio.timeout(5):
            await notified.wait()
        assert stream.ended
    opened.close()
    assert [(line["event"], line["log_level"]) for line in logs] == [("streams.check_failed", "error")] * 2
