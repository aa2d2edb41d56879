"""The commands that each story makes today are those of its fingerprint, so that no change of them goes unnoticed."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowHistory

from tests.workflows.commands import commands_of
from tests.workflows.record import FINGERPRINTS, LANES, newest
from tests.workflows.shop import Shop
from tests.workflows.stories import STORIES, VARIABLE, Story

KNOWN = [story for story in STORIES if story not in VARIABLE]
CHANGED = """The commands of the story {name} have changed. Workflows that are open during the deployment replay the
old ones, and would stop with a non-determinism error.
1. Guard the change: `if workflow.patched("what-changed"):` the new commands, else the old ones.
2. Keep every file of tests/workflows/histories/: they must still replay (tests/workflows/test_replay.py).
3. `make histories` writes the new fingerprint, and a new history beside the old ones. Commit both."""


@pytest.mark.parametrize("story", KNOWN, ids=lambda story: story.__name__)
async def test_the_commands_of_a_story_are_known(story: Story, shop: Shop) -> None:
    history = await (await story(shop)).fetch_history()
    expected = (FINGERPRINTS / f"{story.__name__}.txt").read_text().splitlines()
    assert commands_of(history.events) == expected, CHANGED.format(name=story.__name__)


@pytest.mark.parametrize("lane", LANES)
@pytest.mark.parametrize("story", KNOWN, ids=lambda story: story.__name__)
def test_the_fingerprint_is_that_of_the_newest_history(story: Story, lane: str) -> None:
    """Red? The commands changed twice in one version: raise it, or remove its history if it was not released."""
    name = f"{lane}{story.__name__}"
    path = newest(name)
    assert path is not None, f"run `make histories`: there is no history of {name}"
    events = WorkflowHistory.from_json("", path.read_text()).events
    assert commands_of(events) == (FINGERPRINTS / f"{name}.txt").read_text().splitlines()
