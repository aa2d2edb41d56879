"""Attention: each reason is written once and cleared alone, and search attributes show the oldest reason."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from services.clock import new_id
from workflows.attention import Attention
from workflows.search_attributes import ATTENTION_REASON, NEEDS_ATTENTION

QUEUE = "test-attention"


@workflow.defn
class AttentionWorkflow:
    def __init__(self) -> None:
        self._written: list[str] = []

    @workflow.run
    async def run(self, changes: list[str]) -> list[str]:
        """Raise the reasons of `+reason` and clear those of `-reason`; returns what was written to the order's row."""
        attention = Attention(self._raise, self._clear, len)
        for change in changes:
            await (attention.raise_ if change[0] == "+" else attention.clear)(change[1:])
        return self._written

    async def _raise(self, reason: str) -> None:
        self._written.append(f"+{reason}")

    async def _clear(self, reason: str) -> None:
        self._written.append(f"-{reason}")


@pytest_asyncio.fixture
async def worker(client: Client) -> AsyncIterator[Worker]:
    runner = UnsandboxedWorkflowRunner()
    async with Worker(client, task_queue=QUEUE, workflows=[AttentionWorkflow], workflow_runner=runner) as worker:
        yield worker


@pytest.mark.parametrize(
    ("changes", "written", "needed", "reason"),
    [
        (["+release_stock", "+release_stock"], ["+release_stock"], True, "release_stock"),
        (["+release_stock", "+refund_payment"], ["+release_stock", "+refund_payment"], True, "release_stock"),
        (
            ["+release_stock", "+refund_payment", "-release_stock"],
            ["+release_stock", "+refund_payment", "-release_stock"],
            True,
            "refund_payment",
        ),
        (["+release_stock", "-release_stock"], ["+release_stock", "-release_stock"], False, None),
        (["-release_stock"], [], None, None),
    ],
    ids=["raised twice", "two reasons", "one of two cleared", "all cleared", "cleared without a reason"],
)
async def test_reasons_are_written_once_and_the_oldest_is_a_search_attribute(
    client: Client, worker: Worker, changes: list[str], written: list[str], needed: bool | None, reason: str | None
) -> None:
    handle = await client.start_workflow(
        AttentionWorkflow.run, changes, id=f"attention-{new_id()}", task_queue=worker.task_queue
    )
    assert await handle.result() == written
    attributes = (await handle.describe()).typed_search_attributes
    assert (attributes.get(NEEDS_ATTENTION), attributes.get(ATTENTION_REASON)) == (needed, reason)
