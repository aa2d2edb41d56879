"""The supervisor: start order, restarts and their limit, stopping."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.errors import CannotStart
from sandbox.process import wait_until
from sandbox.programs import OneShot, Program
from sandbox.supervisor import Supervisor

#: appends a line to a file when it starts and when it stops
WRITES_LINES = """
import signal, sys
name, event_file = sys.argv[1:]
def note(what):
    with open(event_file, "a") as file: print(what, name, file=file)
def end(*_):
    note("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("start")
print("up", flush=True)
while True: signal.pause()
"""
IGNORES_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("stubborn", flush=True)
while True: signal.pause()
"""


class EventFile:
    """A file with lines of the children, and children that append to it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def child(self, name: str) -> Program:
        argv = [sys.executable, "-c", WRITES_LINES, name, str(self.path)]
        program = Program(name, argv, ready=lambda: program.last_lines() == ["up"])
        return program


@pytest.fixture
def event_file(tmp_path: Path) -> EventFile:
    return EventFile(tmp_path / "event_file")


def python(name: str, code: str, ready: Callable[[], bool] = lambda: True, stop_timeout: float = 2.0) -> Program:
    return Program(name, [sys.executable, "-c", code], ready=ready, stop_timeout=stop_timeout)


def test_stages_start_in_order_and_stop_in_reverse_order(event_file: EventFile) -> None:
    supervisor = Supervisor([[event_file.child("database")], [event_file.child("worker")], [event_file.child("page")]])
    supervisor.start()
    supervisor.stop()
    starts, stops = event_file.lines[:3], event_file.lines[3:]
    assert starts == ["start database", "start worker", "start page"]
    assert stops == ["stop page", "stop worker", "stop database"]


def test_next_stage_waits_for_a_one_shot_command(event_file: EventFile) -> None:
    late = f"import time; time.sleep(0.3); open({str(event_file.path)!r}, 'a').write('migrated\\n')"
    supervisor = Supervisor([[OneShot("migrations", [sys.executable, "-c", late])], [event_file.child("worker")]])
    supervisor.start()
    supervisor.stop()
    assert event_file.lines[:2] == ["migrated", "start worker"]


def test_failed_one_shot_command_aborts_the_start_with_its_last_output(event_file: EventFile) -> None:
    failing = OneShot("migrations", [sys.executable, "-c", "import sys; print('no such column'); sys.exit(3)"])
    supervisor = Supervisor([[failing], [event_file.child("worker")]])
    with pytest.raises(CannotStart, match=r"migrations failed with exit code 3\. Last output:\n    no such column"):
        supervisor.start()
    supervisor.stop()
    assert event_file.lines == []


def test_port_in_use_is_reported_before_any_component_starts(event_file: EventFile) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        page = Program("page", ["true"], ports={"API_PORT": port})
        with pytest.raises(CannotStart, match=f"Port {port} is in use by pid {os.getpid()} .* with API_PORT"):
            Supervisor([[event_file.child("database")], [page]]).start()
    assert event_file.lines == []


def test_component_that_exits_before_it_is_ready_is_reported_with_its_last_output() -> None:
    failing = python("api", "for n in range(100): print('line', n)", ready=lambda: False)
    with pytest.raises(CannotStart) as failure:
        Supervisor([[failing]]).start()
    first, *words = str(failure.value).splitlines()
    assert first == "api ended with exit code 0. Last output:"
    assert words == [f"    line {n}" for n in range(80, 100)]


def test_killed_component_is_restarted_and_reported(event_file: EventFile) -> None:
    reported: list[str] = []

    def report(line: str) -> None:
        reported.append(line)
        if "is running again" in line:
            raise KeyboardInterrupt

    worker = event_file.child("worker")
    migrations = OneShot("migrations", ["true"])  # its exit is not a failure
    supervisor = Supervisor([[migrations], [worker]], report=report)
    supervisor.start()
    first = worker.pid
    os.kill(first, signal.SIGKILL)
    with pytest.raises(KeyboardInterrupt):
        supervisor.watch()
    assert worker.pid != first
    assert reported == [
        "worker stopped with SIGKILL. Last output:\n    up",
        "restarting worker (1 of 3 in 60 s)",
        f"worker is running again with pid {worker.pid}",
    ]
    supervisor.stop()
    assert event_file.lines == ["start worker", "start worker", "stop worker"]


def test_fourth_failure_within_the_window_stops_the_supervisor() -> None:
    reported: list[str] = []
    crashing = python("worker", "import sys; print('no database'); sys.exit(7)")
    supervisor = Supervisor([[crashing]], report=reported.append)
    crashing.spawn()
    with pytest.raises(CannotStart) as failure:
        supervisor.watch()
    supervisor.stop()
    exit_report = "worker stopped with exit code 7. Last output:\n    no database"
    assert str(failure.value) == f"{exit_report}\nworker failed 4 times in 60 s: stopping all components."
    assert reported.count(exit_report) == 3
    assert [line for line in reported if line.startswith("restarting")] == [
        f"restarting worker ({count} of 3 in 60 s)" for count in (1, 2, 3)
    ]


def test_failures_outside_the_window_do_not_count() -> None:
    starts: list[str] = []

    def report(line: str) -> None:
        starts.extend([line] if line.startswith("restarting") else [])
        if len(starts) == 5:
            raise KeyboardInterrupt

    crashing = python("worker", "import sys; sys.exit(7)")
    supervisor = Supervisor([[crashing]], window=0.05, report=report)  # shorter than the check interval
    crashing.spawn()
    with pytest.raises(KeyboardInterrupt):
        supervisor.watch()
    supervisor.stop()
    assert set(starts) == {"restarting worker (1 of 3 in 0.05 s)"}


def test_component_that_ignores_the_stop_signal_is_killed_after_its_timeout() -> None:
    stubborn = python(
        "stubborn", IGNORES_SIGTERM, ready=lambda: stubborn.last_lines() == ["stubborn"], stop_timeout=0.2
    )
    supervisor = Supervisor([[stubborn]])
    supervisor.start()
    began = time.monotonic()
    supervisor.stop()
    assert 0.2 <= time.monotonic() - began < 2
    assert stubborn.ending == "SIGKILL"


def test_total_stop_time_is_bounded() -> None:
    stubborn = [python(f"stubborn{n}", IGNORES_SIGTERM, stop_timeout=60) for n in range(3)]
    supervisor = Supervisor([stubborn])
    supervisor.start()
    assert wait_until(lambda: all(child.last_lines() == ["stubborn"] for child in stubborn), 10)
    began = time.monotonic()
    supervisor.stop(within=0.4)
    assert time.monotonic() - began < 2
    assert not any(child.running for child in stubborn)
