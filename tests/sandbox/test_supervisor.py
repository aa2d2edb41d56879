"""The supervisor with tiny children: order, restarts and their limit, stopping, last words."""

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

#: writes its name when it is up and when it is told to end
POLITE = """
import signal, sys
name, diary = sys.argv[1:]
def note(what):
    with open(diary, "a") as file: print(what, name, file=file)
def end(*_):
    note("stop")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
note("start")
print("up", flush=True)
while True: signal.pause()
"""
STUBBORN = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while True: signal.pause()
"""


class Diary:
    """What the polite children wrote, and children that write into it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines() if self.path.exists() else []

    def child(self, name: str) -> Program:
        argv = [sys.executable, "-c", POLITE, name, str(self.path)]
        program = Program(name, argv, ready=lambda: program.last_lines() == ["up"])
        return program


@pytest.fixture
def diary(tmp_path: Path) -> Diary:
    return Diary(tmp_path / "diary")


def python(name: str, code: str, ready: Callable[[], bool] = lambda: True, stop_timeout: float = 2.0) -> Program:
    return Program(name, [sys.executable, "-c", code], ready=ready, stop_timeout=stop_timeout)


def test_stages_start_in_order_and_stop_in_the_opposite_one(diary: Diary) -> None:
    supervisor = Supervisor([[diary.child("database")], [diary.child("worker")], [diary.child("page")]])
    supervisor.start()
    supervisor.stop()
    starts, stops = diary.lines[:3], diary.lines[3:]
    assert starts == ["start database", "start worker", "start page"]
    assert stops == ["stop page", "stop worker", "stop database"]


def test_the_next_stage_waits_for_an_errand(diary: Diary) -> None:
    late = f"import time; time.sleep(0.3); open({str(diary.path)!r}, 'a').write('migrated\\n')"
    supervisor = Supervisor([[OneShot("migrations", [sys.executable, "-c", late])], [diary.child("worker")]])
    supervisor.start()
    supervisor.stop()
    assert diary.lines[:2] == ["migrated", "start worker"]


def test_an_errand_that_fails_stops_the_start_with_its_last_words(diary: Diary) -> None:
    failing = OneShot("migrations", [sys.executable, "-c", "import sys; print('no such column'); sys.exit(3)"])
    supervisor = Supervisor([[failing], [diary.child("worker")]])
    with pytest.raises(CannotStart, match=r"migrations failed with exit code 3\. Last output:\n    no such column"):
        supervisor.start()
    supervisor.stop()
    assert diary.lines == []


def test_a_port_in_use_is_said_before_anything_runs(diary: Diary) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        page = Program("page", ["true"], ports={"API_PORT": port})
        with pytest.raises(CannotStart, match=f"Port {port} is in use by pid {os.getpid()} .* with API_PORT"):
            Supervisor([[diary.child("database")], [page]]).start()
    assert diary.lines == []


def test_a_child_that_ends_before_it_is_ready_is_quoted() -> None:
    talkative = python("api", "for n in range(100): print('line', n)", ready=lambda: False)
    with pytest.raises(CannotStart) as failure:
        Supervisor([[talkative]]).start()
    first, *words = str(failure.value).splitlines()
    assert first == "api ended with exit code 0. Last output:"
    assert words == [f"    line {n}" for n in range(80, 100)]


def test_a_dead_child_is_started_again_with_a_printed_line(diary: Diary) -> None:
    reported: list[str] = []

    def report(line: str) -> None:
        reported.append(line)
        if "is running again" in line:
            raise KeyboardInterrupt

    worker = diary.child("worker")
    migrations = OneShot("migrations", ["true"])  # its end is no death
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
    assert diary.lines == ["start worker", "start worker", "stop worker"]


def test_the_fourth_death_in_a_minute_ends_everything() -> None:
    reported: list[str] = []
    sick = python("worker", "import sys; print('no database'); sys.exit(7)")
    supervisor = Supervisor([[sick]], report=reported.append)
    sick.spawn()
    with pytest.raises(CannotStart) as failure:
        supervisor.watch()
    supervisor.stop()
    exit_report = "worker stopped with exit code 7. Last output:\n    no database"
    assert str(failure.value) == f"{exit_report}\nworker failed 4 times in 60 s: stopping all components."
    assert reported.count(exit_report) == 3
    assert [line for line in reported if line.startswith("restarting")] == [
        f"restarting worker ({count} of 3 in 60 s)" for count in (1, 2, 3)
    ]


def test_deaths_long_ago_are_forgotten() -> None:
    starts: list[str] = []

    def report(line: str) -> None:
        starts.extend([line] if line.startswith("restarting") else [])
        if len(starts) == 5:
            raise KeyboardInterrupt

    sick = python("worker", "import sys; sys.exit(7)")
    supervisor = Supervisor([[sick]], window=0.05, report=report)  # shorter than one look at the parts
    sick.spawn()
    with pytest.raises(KeyboardInterrupt):
        supervisor.watch()
    supervisor.stop()
    assert set(starts) == {"restarting worker (1 of 3 in 0.05 s)"}


def test_who_does_not_listen_is_killed_when_patience_ends() -> None:
    deaf = python("deaf", STUBBORN, ready=lambda: deaf.last_lines() == ["deaf"], stop_timeout=0.2)
    supervisor = Supervisor([[deaf]])
    supervisor.start()
    began = time.monotonic()
    supervisor.stop()
    assert 0.2 <= time.monotonic() - began < 2
    assert deaf.ending == "SIGKILL"


def test_all_patience_together_is_bounded() -> None:
    deaf = [python(f"deaf{n}", STUBBORN, stop_timeout=60) for n in range(3)]
    supervisor = Supervisor([deaf])
    supervisor.start()
    assert wait_until(lambda: all(child.last_lines() == ["deaf"] for child in deaf), 10)
    began = time.monotonic()
    supervisor.stop(within=0.4)
    assert time.monotonic() - began < 2
    assert not any(child.running for child in deaf)
