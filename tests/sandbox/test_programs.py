"""Components that run a program."""

import sys
from pathlib import Path

import pytest

from sandbox.errors import CannotStart
from sandbox.programs import Program


def test_running_program_cannot_be_started_again() -> None:
    with (
        Program("worker", [sys.executable, "-c", "import signal; signal.pause()"]) as worker,
        pytest.raises(CannotStart, match=f"worker is already running with pid {worker.pid}"),
    ):
        worker.start()


def test_program_that_cannot_be_executed_is_reported(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"ended with exit code 126\. Last output:\n    cannot run .*nothing"):
        Program("ghost", [str(tmp_path / "nothing")], ready=lambda: False).start()
