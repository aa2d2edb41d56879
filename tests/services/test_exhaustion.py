"""Which errors say that memory or threads ran out, and how the process ends."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from contextlib import suppress

import pytest

from services import exhaustion
from services.errors import Unavailable
from services.exhaustion import HEADROOM, is_exhaustion, watch, watched

#: The check in a process of its own, which may map only so many more bytes as its argument says, if there is one.
_LIMITED = """
import asyncio, resource, sys
from services import exhaustion, logs
logs.set_up()
async def main():
    async with exhaustion.watched():
        await asyncio.sleep(0)
        for left in map(int, sys.argv[1:]):
            mapped = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (mapped + left, resource.RLIM_INFINITY))
        await asyncio.sleep(1.5)
asyncio.run(main())
"""


def chained() -> Exception:
    """A failure of the database that an error of memory led to."""
    made = Unavailable("The database is not available or busy.")
    made.__cause__ = MemoryError()
    return made


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("can't start new thread"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        chained(),
    ],
    ids=["memory", "threads", "mapping", "cause"],
)
def test_errors_that_say_so(error: Exception) -> None:
    assert is_exhaustion(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("broken"), OSError(errno.ECONNRESET, "reset"), Unavailable(), KeyError("memory")]
)
def test_other_errors(error: Exception) -> None:
    assert not is_exhaustion(error)


async def test_a_process_with_enough_is_left_alone() -> None:
    ends: list[BaseException] = []
    watching = asyncio.create_task(watch(ends.append))
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(watching), 0.1)
    assert (watching.done(), ends) == (False, [])
    watching.cancel()


async def test_an_error_that_says_so_and_leaves_the_block_ends_the_process() -> None:
    ends: list[BaseException] = []
    error = chained()
    with pytest.raises(Unavailable):
        async with watched(ends.append):
            raise error
    assert ends == [error]


async def test_another_error_that_leaves_the_block_does_not() -> None:
    ends: list[BaseException] = []
    with pytest.raises(KeyError):
        async with watched(ends.append):
            raise KeyError("broken")
    assert ends == []


@pytest.mark.parametrize(("left", "status"), [([str(HEADROOM // 2)], os.EX_OSERR), ([], 0)], ids=["limited", "not"])
def test_F13_a_process_without_headroom_exits_with_71(left: list[str], status: int) -> None:
    ended = subprocess.run([sys.executable, "-c", _LIMITED, *left], capture_output=True, text=True, timeout=30)
    assert ended.returncode == status
    assert ('"event": "process.exhausted"' in ended.stderr) == (status != 0)


def test_F13_an_error_that_is_a_consequence_ends_the_process_with_71() -> None:
    failing = _LIMITED.replace("await asyncio.sleep(1.5)", "raise KeyError")
    limited = [sys.executable, "-c", failing, str(HEADROOM // 2)]
    assert subprocess.run(limited, capture_output=True, timeout=30).returncode == os.EX_OSERR


async def test_a_check_that_fails_in_a_way_that_nobody_expected_ends_the_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error, ends = ValueError("a bug"), list[BaseException]()

    def broken() -> None:
        raise error

    monkeypatch.setattr(exhaustion, "_use_headroom", broken)
    await asyncio.wait_for(watch(ends.append), 5)
    assert ends == [error]
