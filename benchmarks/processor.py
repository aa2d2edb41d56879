"""Processor time and memory from /proc (Linux): of a process with its descendants, and of the whole machine."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

PROC = Path("/proc")
#: Fields after the name in `/proc/<pid>/stat`: user and system time of the process and of its waited-for children.
_TIMES = slice(11, 15)
#: Columns of the first line of `/proc/stat`. Interrupts (irq, softirq) belong to no process, and those of a benchmark
#: are mostly its own traffic on the loopback device, so they are not counted. Guest time is contained in user time.
_USER, _NICE, _SYSTEM, _STEAL = 1, 2, 3, 8


def countable() -> bool:
    """Whether this system provides the data (Linux)."""
    return (PROC / "self" / "stat").exists()


def seconds_of(pid: int) -> float:
    """User and system seconds of the process and its descendants, running and ended.

    The time of a descendant that ends is added to its parent, so the sum never decreases.
    """
    return sum(_ticks(member) for member in _tree(pid)) / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """Resident memory of one process in MiB; 0 where the system does not provide it."""
    return _memory(pid, "VmRSS:")


def highest_mib(pid: int) -> float:
    """The most resident memory that one process has had until now, in MiB; 0 where the system does not provide it."""
    return _memory(pid, "VmHWM:")


def _memory(pid: int, line_of: str) -> float:
    try:
        status = (PROC / str(pid) / "status").read_text()
    except OSError:
        return 0.0
    # A process that has ended and was not waited for has no such line.
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith(line_of)), 0.0)


def machine_seconds() -> float:
    """Seconds that all processors of the machine have worked, for any process or for another virtual machine."""
    columns = (PROC / "stat").read_text().split("\n", 1)[0].split()
    return sum(int(columns[column]) for column in (_USER, _NICE, _SYSTEM, _STEAL)) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Reading:
    """Processor seconds of the machine and of this process with its descendants, at one time."""

    at: float
    machine: float
    own: float

    @classmethod
    def now(cls) -> Self:
        """Read the counters; zeros where the system does not provide them."""
        if not countable():
            return cls(time.monotonic(), 0.0, 0.0)
        return cls(time.monotonic(), machine_seconds(), seconds_of(os.getpid()))

    def others_since(self, before: Reading) -> float:
        """Processor seconds that processes of others used since an earlier reading."""
        return max(0.0, (self.machine - before.machine) - (self.own - before.own))


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
