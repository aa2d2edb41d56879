"""Child processes: exit of the parent process, and signal handling."""

import sys
from pathlib import Path

from sandbox.process import Process, wait_until


def test_child_is_killed_when_its_parent_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = f"""
import pathlib, signal, sys
from sandbox.process import Process
child = Process("child", [sys.executable, "-c", "import signal; signal.pause()"])
child.spawn()
pathlib.Path({str(pid_file)!r}).write_text(str(child.pid) + "\\n")
signal.pause()
"""
    parent = Process("parent", [sys.executable, "-c", code])
    parent.spawn()
    assert wait_until(lambda: pid_file.exists() and pid_file.read_text().endswith("\n"), 10)
    child = Path("/proc") / pid_file.read_text().strip()
    assert child.exists()
    parent.kill()
    assert wait_until(lambda: not child.exists(), 5)


def test_child_ignores_no_signals() -> None:
    child = Process("child", ["grep", "SigIgn", "/proc/self/status"])
    child.spawn()
    assert wait_until(lambda: not child.running, 10)
    child.stop(0)
    ignored = int(child.last_lines()[0].removeprefix("SigIgn:"), 16)
    # Real-time signals (32 and up) belong to the C library and are inherited from the caller of the tests.
    assert ignored & 0x7FFF_FFFF == 0
