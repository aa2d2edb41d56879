"""Processor time includes all descendants, also those that have ended; the rest of the machine is load by others."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmarks import processor
from benchmarks.processor import Reading

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


def test_load_by_others_is_the_time_of_the_machine_without_our_own() -> None:
    before = Reading(at=0.0, machine=100.0, own=10.0)
    assert Reading(at=10.0, machine=115.0, own=21.0).others_since(before) == 4.0
    # clock ticks are rounded: the difference may be slightly below zero
    assert Reading(at=10.0, machine=111.0, own=21.02).others_since(before) == 0.0


@pytest.mark.skipif(not processor.countable(), reason="needs /proc")
def test_reading_counts_the_descendants_of_this_process_as_own() -> None:
    before = Reading.now()
    subprocess.run([sys.executable, "-c", USE_PROCESSOR.format(seconds=0.3)], check=True)
    after = Reading.now()
    assert 0.25 <= after.own - before.own <= (after.at - before.at) * (os.cpu_count() or 1) + 0.1
    assert after.machine - before.machine >= 0.25


def test_resident_memory_is_that_of_one_process() -> None:
    keep = "data = bytearray(64 << 20); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", keep], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        mib = processor.resident_mib(process.pid)
        process.stdin.close()
    assert 64 < mib < 120
    assert processor.resident_mib(process.pid) == 0
