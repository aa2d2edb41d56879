"""`deployment` without versioned workers, and without Temporal; the runbook is run with versioned ones."""

from __future__ import annotations

from sandbox.ports import free_port
from sandbox.temporal import TemporalServer
from tests.services.commands.conftest import Commands


def test_no_build_is_known_and_none_becomes_the_current_one(command: Commands, temporal: TemporalServer) -> None:
    """It needs no database."""
    command.env |= {"TEMPORAL_ADDRESS": temporal.address, "DATABASE_URL": ""}
    shown = command("deployment", "show")
    assert (shown.exit_code, shown.stdout) == (0, "No worker is versioned (WORKER_BUILD_ID).\n")
    refused = command("deployment", "set-current", "4f2a", "--wait", "0")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "No worker of build 4f2a asks for tasks: start one first.\n"


def test_without_temporal(command: Commands) -> None:
    command.env["TEMPORAL_ADDRESS"] = f"127.0.0.1:{free_port()}"
    for words in (("show",), ("set-current", "4f2a")):
        away = command("deployment", *words)
        assert (away.exit_code, away.stdout) == (1, "")
        assert away.stderr.startswith("Temporal does not answer")
