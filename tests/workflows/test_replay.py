"""Recorded histories must replay on the present code: workflows that are open during a deploy depend on it (F70)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from activities.converting import DATA_CONVERTER
from tests.workflows.changed_order import ChangedOrder
from tests.workflows.record import HISTORIES, LANES
from tests.workflows.stories import STORIES
from workers.registry import WORKFLOWS
from workers.serving import workflow_runner

RECORDED = sorted(HISTORIES.glob("*/*.json"))


def replayer_of(workflows: Sequence[type], *, sandbox: bool) -> Replayer:
    """A replayer as a worker with this value of WORKFLOW_SANDBOX."""
    runner = workflow_runner(sandbox=sandbox)
    return Replayer(workflows=workflows, workflow_runner=runner, data_converter=DATA_CONVERTER)


def history_of(path: Path) -> WorkflowHistory:
    """A recorded history with the workflow id that it was recorded under: a run under another id is refused."""
    history = WorkflowHistory.from_json("", path.read_text())
    started = history.events[0].workflow_execution_started_event_attributes
    return WorkflowHistory(started.workflow_id, history.events)


@pytest.mark.parametrize("sandbox", [True, False], ids=["sandbox", "no_sandbox"])
@pytest.mark.parametrize("path", RECORDED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_F70_replays(path: Path, sandbox: bool) -> None:
    """Red? A change of a workflow moved its commands: guard it with `workflow.patched()`, keep this file as it is."""
    replayer = replayer_of(WORKFLOWS, sandbox=sandbox)
    await replayer.replay_workflow(history_of(path))


def test_every_story_is_recorded_in_both_lanes() -> None:
    """Red? Run `make histories` and commit what it adds; it changes no history that exists."""
    assert {path.stem for path in RECORDED} == {f"{lane}{story.__name__}" for story in STORIES for lane in LANES}


def test_I10_histories_hold_nothing_about_a_person() -> None:
    text = "".join(path.read_text() for path in RECORDED)
    for secret in ("Тверская", "Lantern", "example.com", "tok_", "+7"):
        assert secret not in text


@pytest.mark.parametrize("sandbox", [True, False], ids=["sandbox", "no_sandbox"])
@pytest.mark.parametrize("name", ["confirmed", "regular_confirmed"])
async def test_F70_a_change_without_a_patch_fails_the_replay(name: str, sandbox: bool) -> None:
    replayer = replayer_of([ChangedOrder], sandbox=sandbox)
    history = WorkflowHistory.from_json("order", (HISTORIES / "0.1.0" / f"{name}.json").read_text())
    with pytest.raises((NondeterminismError, RuntimeError)):
        await replayer.replay_workflow(history)
