"""Every command of the runbook (docs/operations.md) does in its situation what the page says, on a running shop."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import PauseWorkflowExecutionRequest
from temporalio.service import RPCError
from typer.testing import CliRunner

from sandbox.layout import ROOT
from sandbox.settings import StackSettings
from services.__main__ import app
from tests.journeys.conftest import running
from tests.journeys.runbook import Block, filled, sections
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.journeys.situations import SITUATIONS
from tests.journeys.waiting import until

#: Begins the commands that run in this process: each Python process would take seconds to start.
OURS = ["python", "-m", "services"]


@pytest.fixture(scope="module")
def operated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A shop whose undos count as stuck after a second; no job takes away what a section is about."""
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("operations"))
    with running(replace(settings, env={**CHEAP_PASSWORDS, "ATTENTION_AFTER": "1"})) as shop:
        for job in ("recover-orders", "watch-orders"):
            until(partial(paused, shop, job))
        yield shop


def paused(shop: Shop, workflow_id: str) -> bool:
    """Pause a job; False while it has not started."""

    async def pause() -> None:
        client = await shop.temporal()
        request = PauseWorkflowExecutionRequest(namespace=client.namespace, workflow_id=workflow_id)
        await client.workflow_service.pause_workflow_execution(request)

    try:
        asyncio.run(pause())
    except RPCError:
        return False
    return True


@pytest.mark.parametrize("title", SITUATIONS)
def test_the_commands_of_a_section_do_what_the_page_says(operated: Shop, title: str) -> None:
    with SITUATIONS[title](operated) as words:
        for block in sections()[title]:
            check(operated, filled(block, words))


def test_every_section_has_a_situation() -> None:
    assert set(sections()) == set(SITUATIONS)
    assert all(blocks for blocks in sections().values())


def test_a_line_that_is_not_printed_is_missed() -> None:
    block = Block(("python -m services order show X",), ("order … paid", "goods"))
    assert block.missing("│ order (our row) │ paid │\n│ goods │ held │") is None
    assert block.missing("goods held\norder (our row) paid") == "goods"
    assert block.missing("order (our row) created\ngoods held") == "order … paid"


def check(shop: Shop, block: Block) -> None:
    """Run the commands; every line of the page must be printed. What only reads is repeated until it is."""
    outputs: list[str] = []

    def as_the_page_says() -> bool:
        outputs.append("".join(run(shop, command) for command in block.commands))
        return block.missing(outputs[-1]) is None

    try:
        until(as_the_page_says, timeout=30 if block.only_reads else 0)
    except TimeoutError:
        pytest.fail(f"`{block.missing(outputs[-1])}` is not printed:\n{outputs[-1]}")


def run(shop: Shop, command: str) -> str:
    """The output of a command, which must exit with 0."""
    words = shlex.split(command)
    if words[:3] == OURS:
        done = CliRunner().invoke(app, words[3:], env=shop.stack.environment)
        code, output = done.exit_code, done.output
    else:
        ran = subprocess.run(["bash", "-c", command], env=environment(shop), cwd=ROOT, capture_output=True, text=True)
        code, output = ran.returncode, ran.stdout + ran.stderr
    assert code == 0, f"{command} exits with {code}:\n{output}"
    return output


def environment(shop: Shop) -> dict[str, str]:
    """The environment of a shell in which `temporal` is found."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**shop.stack.environment, "PATH": path}
