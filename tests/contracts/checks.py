"""The error of a broken contract, and running a program in a contract."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ContractBroken(Exception):
    """A contract is broken; the message says what to change."""


def run(command: Sequence[str | Path], otherwise: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output. Raises ContractBroken with `otherwise` and the output when it fails."""
    result = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if result.returncode:
        raise ContractBroken(f"{otherwise}\n{result.stdout}{result.stderr}".strip())
    return result.stdout
