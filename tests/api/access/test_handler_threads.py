"""A request waits a bounded time for a thread, and gives it back whatever happens in it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from anyio import to_thread

from api.access import handler_threads
from api.access.handler_threads import in_thread
from services.errors import NotFound, Unavailable


@pytest_asyncio.fixture
async def one_thread(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Handlers have one thread, for which a request waits briefly."""
    monkeypatch.setattr(handler_threads, "TIMEOUT", 0.05)
    threads = to_thread.current_default_thread_limiter()
    before, threads.total_tokens = threads.total_tokens, 1
    yield
    threads.total_tokens = before


async def test_F28_a_request_is_refused_while_all_threads_are_busy(one_thread: None) -> None:
    entered, leave = threading.Event(), threading.Event()

    def work() -> str:
        entered.set()
        leave.wait(10)
        return "done"

    first = asyncio.create_task(in_thread(work))
    await asyncio.to_thread(entered.wait, 10)
    with pytest.raises(Unavailable):
        await in_thread(work)
    leave.set()
    assert await first == "done"
    assert await in_thread(work) == "done"


async def test_a_thread_is_free_again_after_an_error(one_thread: None) -> None:
    def fail() -> None:
        raise NotFound("There is no such order.")

    for _ in range(2):
        with pytest.raises(NotFound):
            await in_thread(fail)
