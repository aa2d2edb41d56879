"""The floor runs with the worker settings of the saga."""

from __future__ import annotations

from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from benchmarks.floor import floor_runner


def test_floor_is_sandboxed_if_orders_are_and_loads_its_modules_once() -> None:
    restrictions = SandboxRestrictions.default.with_passthrough_modules("activities")
    runner = floor_runner(SandboxedWorkflowRunner(restrictions=restrictions))
    assert isinstance(runner, SandboxedWorkflowRunner)
    assert {"activities", "benchmarks", "workers"} <= runner.restrictions.passthrough_modules


def test_floor_is_not_sandboxed_if_orders_are_not() -> None:
    runner = UnsandboxedWorkflowRunner()
    assert floor_runner(runner) is runner
