"""What a run was measured on: commit, versions and machine."""

from __future__ import annotations

import asyncio
import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

import psycopg
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client

from sandbox.layout import ROOT

PACKAGES = ("fastapi", "psycopg", "sqlalchemy", "temporalio", "uvicorn", "uvloop")


@dataclass(frozen=True)
class Provenance:
    """Where and with what a run was measured; every results file contains it."""

    #: date and time in UTC, ISO 8601
    at: str
    #: full hash; `+changes` when tracked files differ from it; None outside a git repository
    commit: str | None
    versions: dict[str, str]
    machine: dict[str, str | int]

    @classmethod
    def of(cls, database: str, temporal: str, **more: str) -> Self:
        """The provenance of a run with these servers: the URL of the database, and `host:port` of Temporal.

        `more` are further versions.
        """
        versions = {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
        servers = {"postgresql": _postgresql(database), "temporal_server": asyncio.run(_temporal_server(temporal))}
        return cls(datetime.now(UTC).isoformat(timespec="seconds"), commit(ROOT), versions | servers | more, machine())

    @property
    def summary(self) -> str:
        """Two lines for the terminal."""
        machine = "{processor}, {cores} cores, {kernel}".format(**self.machine)
        versions = ", ".join(f"{name} {found}" for name, found in self.versions.items())
        return f"commit {(self.commit or 'unknown')[:12]}, {self.at}, {machine}\n{versions}"


def machine() -> dict[str, str | int]:
    """Processor model, usable cores and kernel of this machine."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
        "kernel": f"{platform.system()} {platform.release()}",
    }


def commit(folder: Path) -> str | None:
    """The commit that is checked out in a folder, with `+changes` when tracked files differ; None without git."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        return head + ("+changes" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _postgresql(database: str) -> str:
    with psycopg.connect(database) as connection:
        found = connection.execute("SHOW server_version").fetchone()
    return str(found[0]) if found else "unknown"


async def _temporal_server(address: str) -> str:
    client = await Client.connect(address)
    return (await client.workflow_service.get_system_info(GetSystemInfoRequest())).server_version
