"""Ends the process when memory or threads run out, so that its supervisor starts a new one.

Such a process does not recover by itself: it fails its work again and again, and nobody notices. An orderly shutdown
would need what is missing, so it exits at once: every step of an order withstands that (FAULTS F01 to F08, F13).
"""

from __future__ import annotations

import asyncio
import errno
import mmap
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import NoReturn

import structlog

#: Exit status: an error of the operating system, as `sysexits.h` names it.
EXIT_STATUS = os.EX_OSERR
#: Seconds between checks.
CHECK_EVERY = 1.0
#: Bytes of address space that must be free: more than the stack of another thread (8 MiB).
HEADROOM = 16 * 2**20

_NO_THREAD = "can't start new thread"

End = Callable[[BaseException], object]


def is_exhaustion(error: BaseException) -> bool:
    """Whether memory or threads ran out: in the error itself, or in one that led to it."""
    return any(_is_exhaustion(each) for each in _chain(error))


def end_process(error: BaseException) -> NoReturn:
    """Log the error as critical, and exit with status 71 without waiting for anything."""
    try:
        structlog.get_logger("services.exhaustion").critical("process.exhausted", error=type(error).__name__)
    finally:
        os._exit(EXIT_STATUS)


async def watch(end: End = end_process) -> None:
    """Check every second that memory and a thread are available; call `end` with the error when they are not.

    Needed beside `is_exhaustion`, because libraries turn such errors into others, or log them and try again.
    """
    while True:
        try:
            _use_headroom()
            await asyncio.sleep(CHECK_EVERY)
        except Exception as error:  # a check that cannot be made is no reason to go on without it
            end(error)
            return


@asynccontextmanager
async def watched(end: End = end_process) -> AsyncIterator[None]:
    """`watch` runs during the block; an error that leaves the block while memory or threads are missing ends it too."""
    watching = asyncio.create_task(watch(end))
    try:
        yield
    except BaseException as error:
        # The error itself need not say so: a library without memory raises its own, Rust code a panic.
        if is_exhaustion(error) or not _has_headroom():
            end(error)
        raise
    finally:
        watching.cancel()


def _use_headroom() -> None:
    # Mapped and not written to, so it takes address space and no memory.
    mmap.mmap(-1, HEADROOM, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS).close()
    thread = threading.Thread(target=lambda: None, name="exhaustion-check")
    thread.start()
    thread.join()


def _has_headroom() -> bool:
    try:
        _use_headroom()
    except (MemoryError, OSError, RuntimeError):
        return False
    return True


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _is_exhaustion(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and _NO_THREAD in str(error))
