"""The generators and type checkers, in pinned versions, installed into a temporary directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

#: The newest versions that run on Node 20.
NPM = {
    "@hey-api/openapi-ts": "0.95.0",
    "@types/node": "20.19.25",
    "openapi-fetch": "0.17.0",
    "openapi-typescript": "7.13.0",
    "typescript": "5.9.3",
}
PIP = {
    "datamodel-code-generator": "0.89.0",
    "email-validator": "2.4.0",
    "httpx2": "2.16.2",
    "mypy": "2.4.1",
    "openapi-python-client": "0.29.1",
}
OLDEST_NODE = 20
PROGRAMS = Path(__file__).parent / "programs"
#: Seconds for one command; the longest is the installation.
LONGEST = 300


@dataclass(frozen=True)
class Tools:
    """A directory with tools in it: `node_modules/.bin` or `venv/bin`. Generated code and programs go there too."""

    folder: Path
    bin: Path

    def run(self, *argv: str) -> str:
        """The output of a command that runs in the directory. Fails the test with all its output when it fails."""
        return _run(argv, self.folder, {"PATH": f"{self.bin}:{os.environ['PATH']}"})

    def add(self, program: str) -> None:
        """Copy a program of this package beside the generated code."""
        shutil.copy(PROGRAMS / program, self.folder)


def npm_tools(folder: Path) -> Tools:
    """Install the npm packages. Fails the test when Node or npm is missing."""
    require_node()
    (folder / "package.json").write_text('{"private": true}')
    packages = [f"{name}@{version}" for name, version in NPM.items()]
    _run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", *packages], folder)
    return Tools(folder, folder / "node_modules" / ".bin")


def pip_tools(folder: Path) -> Tools:
    """Install the Python packages into a virtual environment of their own."""
    _run([sys.executable, "-m", "venv", "venv"], folder)
    tools = Tools(folder, folder / "venv" / "bin")
    packages = [f"{name}=={version}" for name, version in PIP.items()]
    tools.run("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages)
    return tools


def require_node() -> None:
    """Fail unless Node and npm are there."""
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.fail(f"These tests need Node {OLDEST_NODE} or newer with npm.", pytrace=False)
    version = subprocess.check_output(["node", "--version"], text=True).strip()
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST_NODE:
        pytest.fail(f"These tests need Node {OLDEST_NODE} or newer, this is {version}.", pytrace=False)


def _run(argv: Sequence[str], folder: Path, env: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        argv, cwd=folder, env={**os.environ, **(env or {})}, text=True, capture_output=True, timeout=LONGEST
    )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(argv)} exited with {done.returncode}:\n{done.stdout}{done.stderr}", pytrace=False)
    return done.stdout
