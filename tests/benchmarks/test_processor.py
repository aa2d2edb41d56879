"""Processor time is counted over a whole tree, and what ended in it stays counted."""

from __future__ import annotations

import subprocess
import sys

from benchmarks import processor

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
#: Starts a child that burns, waits for its end, says so, and waits to be told to go.
PARENT = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]]); print(flush=True); input()"


def test_a_tree_keeps_what_its_dead_burnt() -> None:
    argv = [sys.executable, "-c", PARENT, BURN.format(seconds=0.3)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        before = processor.seconds_of(parent.pid)
        parent.stdout.readline()
        burnt = processor.seconds_of(parent.pid) - before
        parent.stdin.close()
    assert (0.25 <= burnt < 2) if processor.countable() else burnt == 0


def test_who_is_gone_has_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    assert processor.seconds_of(gone.pid) == 0
