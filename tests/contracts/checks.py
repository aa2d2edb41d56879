"""How a check says that something is wrong."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class ContractBroken(Exception):
    """A contract does not hold; the message is one sentence that names what to change."""


def run(command: Sequence[str | Path], otherwise: str, env: Mapping[str, str] | None = None) -> str:
    """What the command printed; raises Broken with the sentence and the program's own words when it fails."""
    ran = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    if ran.returncode:
        raise ContractBroken(f"{otherwise}\n{ran.stdout}{ran.stderr}".strip())
    return ran.stdout
