"""Processor time includes all descendants, also those that have ended."""

from __future__ import annotations

import subprocess
import sys

from benchmarks import processor

USE_PROCESSOR = "import time\nwhile time.process_time() < {seconds}: pass\n"
#: Starts a child that uses processor time, waits for its end, prints a line, and waits for input.
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]]); print(flush=True); input()"


def test_time_of_ended_descendants_is_included() -> None:
    argv = [sys.executable, "-c", PARENT, USE_PROCESSOR.format(seconds=0.3)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        before = processor.seconds_of(parent.pid)
        parent.stdout.readline()
        used = processor.seconds_of(parent.pid) - before
        parent.stdin.close()
    assert (0.25 <= used < 2) if processor.countable() else used == 0


def test_ended_process_has_no_time() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert processor.seconds_of(gone.pid) == 0
