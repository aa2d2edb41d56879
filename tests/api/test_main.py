"""`python -m api`: help and wrong arguments start no server."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.test_architecture import ROOT


@pytest.mark.parametrize(("argument", "code", "said"), [("--help", 0, "API_PORT"), ("serve", 2, "unrecognized")])
def test_an_argument_starts_no_server(argument: str, code: int, said: str) -> None:
    # Without a database a server that starts would exit with a message about its settings.
    env = {**os.environ, "DATABASE_URL": "", "DATA_DIR": os.devnull}
    command = [sys.executable, "-m", "api", argument]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
