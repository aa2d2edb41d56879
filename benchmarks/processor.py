"""Processor time of a process and its descendants, from /proc (Linux)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
#: Fields after the name in `/proc/<pid>/stat`: user and system time of the process and of its waited-for children.
_TIMES = slice(11, 15)


def countable() -> bool:
    """Whether this system provides the data (Linux)."""
    return (PROC / "self" / "stat").exists()


def seconds_of(pid: int) -> float:
    """User and system seconds of the process and its descendants, running and ended.

    The time of a descendant that ends is added to its parent, so the sum never decreases.
    """
    return sum(_ticks(member) for member in _tree(pid)) / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):  # the process has ended
        for task in (PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _ticks(pid: int) -> int:
    try:
        # The name is in parentheses and may contain spaces.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[_TIMES]))
