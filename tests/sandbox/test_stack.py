"""`python -m sandbox up --no-application`, and the stack as used by tests."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sandbox.errors import CannotStart
from sandbox.layout import ROOT
from sandbox.ports import accepts
from sandbox.process import wait_until
from sandbox.settings import Ports, StackSettings, setting
from sandbox.stack import Stack

SERVERS = {"postgres", "temporal", "standins"}


def private(path: Path) -> bool:
    return stat.S_IMODE(path.stat().st_mode) == 0o600


def descendants(pid: int) -> set[int]:
    """All descendants of a process, including PostgreSQL's backends."""
    found: set[int] = set()
    with suppress(OSError):  # the process has exited
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in map(int, (task / "children").read_text().split()):
                found |= {child} | descendants(child)
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


class Up:
    """`python -m sandbox up` in a child process with its own data directory and ports."""

    def __init__(self, data_dir: Path, ports: Ports) -> None:
        self.data_dir = data_dir
        chosen = {setting(name): str(port) for name, port in vars(ports).items()}
        self.env = {**os.environ, **chosen, "DATA_DIR": str(data_dir)}
        self.output = data_dir.parent / "output"
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        with self.output.open("wb") as output:
            self.child = subprocess.Popen(self.command(), cwd=ROOT, env=self.env, stdout=output, stderr=output)
        assert self.says("Ready."), self.output.read_text()
        return self.child.pid

    def command(self) -> list[str]:
        return [sys.executable, "-m", "sandbox", "up", "--no-application"]

    def says(self, words: str) -> bool:
        return wait_until(lambda: words in self.output.read_text(), 60)

    def end(self, number: signal.Signals, within: float) -> int:
        assert self.child is not None
        self.child.send_signal(number)
        return self.child.wait(within)


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    program = Up(tmp_path / "data", Ports.free())
    yield program
    if program.child is not None:
        program.child.kill()
        program.child.wait()


def test_up_survives_sigkill_restarts_a_killed_component_and_stops_on_sigterm(up: Up) -> None:
    first = up.start()
    addresses = json.loads((up.data_dir / "addresses.json").read_text())
    assert set(addresses) == {"api", "temporal", "temporalUi", "sandbox", "smtp", "database"}
    assert private(up.data_dir / "addresses.json")
    assert private(up.data_dir / "secrets.json")
    with psycopg.connect(addresses["database"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

    second = subprocess.run(up.command(), cwd=ROOT, env=up.env, capture_output=True, text=True)
    assert second.returncode == 1
    assert second.stderr.startswith(f"sandbox: {up.data_dir} is in use by another sandbox (pid {first}): stop it, or ")
    assert second.stderr.count("\n") == 1

    family = descendants(first)
    assert len(family) > 6  # three components, and PostgreSQL's backends
    assert up.end(signal.SIGKILL, 5) == -signal.SIGKILL
    assert wait_until(lambda: not alive(family), 10), alive(family)

    again = up.start()  # with stale addresses, lock and pid files
    with psycopg.connect(addresses["database"]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    server = int((up.data_dir / "postgres" / "postmaster.pid").read_text().split()[0])
    os.kill(server, signal.SIGKILL)
    assert up.says("postgres stopped with SIGKILL.")
    assert up.says("restarting postgres (1 of 3 in 60 s)\npostgres is running again with pid ")
    with psycopg.connect(addresses["database"]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)

    family = descendants(again)
    began = time.monotonic()
    assert up.end(signal.SIGTERM, 15) == 0
    assert time.monotonic() - began < 15
    assert alive(family) == set()
    assert up.output.read_text().endswith("Stopping.\n")
    assert not (up.data_dir / "addresses.json").exists()


def test_sigint_during_the_start_stops_all_processes(up: Up) -> None:
    with up.output.open("wb") as output:
        up.child = subprocess.Popen(up.command(), cwd=ROOT, env=up.env, stdout=output, stderr=output)
    child = up.child
    assert wait_until(lambda: len(descendants(child.pid)) >= 2, 30)
    family = descendants(child.pid)
    assert up.end(signal.SIGINT, 15) == 0
    assert up.output.read_text() == "Stopping.\n"
    assert wait_until(lambda: not alive(family), 2), alive(family)  # children of initdb exit by themselves


def test_port_in_use_prints_one_line_and_exits_with_1(up: Up) -> None:
    with socket.create_server(("127.0.0.1", int(up.env["SMTP_PORT"]))):
        refused = subprocess.run(up.command(), cwd=ROOT, env=up.env, capture_output=True, text=True)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"sandbox: Port {up.env['SMTP_PORT']} is in use by pid {os.getpid()} (")
    assert refused.stderr.endswith("): stop it, or choose another port with SMTP_PORT.\n")
    assert refused.stdout == ""


def test_components_can_be_killed_and_restarted(tmp_path: Path) -> None:
    settings = replace(StackSettings.for_tests(tmp_path / "data"), application=False)
    with Stack(settings) as stack:
        before = {name: stack.pid(name) for name in SERVERS}
        for name in SERVERS:
            stack.kill(name)
            with pytest.raises(ProcessLookupError):
                stack.pid(name)
            stack.start(name)
        assert not set(before.values()) & {stack.pid(name) for name in SERVERS}
        assert stack.addresses.temporal_ui is None
        assert stack.environment["DATABASE_URL"] == stack.addresses.database
        with pytest.raises(CannotStart, match="is in use by another sandbox"):
            Stack(settings).start()
    ports = (settings.ports.postgres, settings.ports.temporal, settings.ports.sandbox, settings.ports.smtp)
    assert [port for port in ports if accepts(port)] == []


def test_T117_every_process_of_the_stack_listens_on_the_loopback_only(tmp_path: Path) -> None:
    settings = replace(StackSettings.for_tests(tmp_path / "data"), web_ui=True)
    with Stack(settings) as stack:
        found = listening(descendants(os.getpid()))
        given = settings.ports
        ports = {given.api, given.temporal, given.temporal_ui, given.sandbox, given.smtp, given.postgres}
        assert stack.addresses.temporal_ui is not None
    assert {port for _, port in found} >= ports
    assert {address for address, _ in found} <= {"127.0.0.1", "::1"}


def listening(pids: set[int]) -> set[tuple[str, int]]:
    """The addresses and ports on which these processes accept connections (Linux)."""
    inodes = set()
    for pid in pids:
        with suppress(OSError):  # the process has exited
            inodes |= {os.readlink(handle) for handle in Path(f"/proc/{pid}/fd").iterdir()}
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, _, state, *rest = line.split()[1:]
            if state == "0A" and f"socket:[{rest[5]}]" in inodes:
                address, port = local.split(":")
                words = [bytes.fromhex(address[start : start + 8])[::-1] for start in range(0, len(address), 8)]
                found.add((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
    return found
