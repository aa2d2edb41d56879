"""Processor time of a process and of all that it started, as Linux counts it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
#: Of the fields behind the name in `/proc/<pid>/stat`: user and system time, own and of children that ended.
_TIMES = slice(11, 15)


def countable() -> bool:
    """Whether this system tells; others than Linux do not."""
    return (PROC / "self" / "stat").exists()


def seconds_of(pid: int) -> float:
    """Seconds on a processor until now, user and system, of the process and its descendants, living and ended.

    A descendant that ends moves into its parent's count, so the sum never falls (PostgreSQL's backends come and go).
    """
    return sum(_ticks(member) for member in _tree(pid)) / os.sysconf("SC_CLK_TCK")


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):  # gone meanwhile
        for task in (PROC / str(pid) / "task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _tree(int(child))


def _ticks(pid: int) -> int:
    try:
        # The name is in brackets and may hold anything.
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[_TIMES]))
