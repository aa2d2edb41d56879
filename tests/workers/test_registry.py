"""The registry: every activity and workflow of the project is served, and fault points wrap the services."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from inspect import getmembers, isclass
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from prometheus_client import CollectorRegistry
from temporalio.common import VersioningBehavior

import activities as activities_package
import workflows as workflows_package
from activities.messages import FinishCancel
from activities.recovery import RunState
from activities.watching import StuckWorkflow
from services.bootstrap import Services
from services.clock import new_id
from services.errors import NotFound
from services.orders.views import Command
from tests.fakes.workflows import FakeWorkflows
from tests.workers.test_faults import Noted
from workers.metrics.orders import OrderEndMetrics
from workers.registry import WORKFLOWS, Ports, activities
from workflows.auto_upgrade import of_versioned_worker


class NoDelivery:
    async def deliver(self, command: Command) -> str:
        raise AssertionError(f"{command.name} must not be delivered")


class NoRuns:
    async def running(self) -> set[UUID]:
        raise AssertionError("Temporal must not be asked")

    async def state(self, order_id: UUID) -> RunState:
        raise AssertionError(f"the workflow of {order_id} must not be asked for")

    async def failing(self) -> list[StuckWorkflow]:
        raise AssertionError("Temporal must not be asked")

    async def without_worker(self) -> list[StuckWorkflow]:
        raise AssertionError("Temporal must not be asked")

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        raise AssertionError(f"{order_id} must not be started")

    async def waiting_for_method(self) -> set[UUID]:
        raise AssertionError("Temporal must not be asked")

    async def method_given(self, order_id: UUID) -> None:
        raise AssertionError(f"{order_id} must not be signalled")

    async def stop(self, order_id: UUID) -> None:
        raise AssertionError(f"{order_id} must not be stopped")


PORTS = Ports(NoDelivery(), NoRuns(), NoRuns(), FakeWorkflows(), OrderEndMetrics(CollectorRegistry()))


def classes(package: ModuleType) -> Iterator[type]:
    """Every class that a module of the package defines."""
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        module = importlib.import_module(found.name)
        yield from (each for _, each in getmembers(module, isclass) if each.__module__ == found.name)


def test_every_activity_is_served_once(services: Services) -> None:
    defined = [
        name
        for each in classes(activities_package)
        for name, member in vars(each).items()
        if hasattr(member, "__temporal_activity_definition")
    ]
    assert len(defined) > 10
    assert sorted(method.__name__ for method in activities(services, PORTS)) == sorted(defined)


def test_every_workflow_is_served() -> None:
    defined = {each for each in classes(workflows_package) if hasattr(each, "__temporal_workflow_definition")}
    assert len(defined) == 10
    assert {*WORKFLOWS, *map(of_versioned_worker, WORKFLOWS)} == defined


def test_a_versioned_worker_serves_the_same_workflows_by_name() -> None:
    names = [_definition(each).name for each in WORKFLOWS]
    assert [_definition(of_versioned_worker(each)).name for each in WORKFLOWS] == names
    upgraded = {_definition(of_versioned_worker(each)).name for each in WORKFLOWS if _upgrades(each)}
    assert upgraded == {
        "OutboxRelayWorkflow",
        "NotificationDispatchWorkflow",
        "PeriodicWorkflow",
        "WebhookDispatchWorkflow",
    }
    assert not any(_definition(each).versioning_behavior for each in WORKFLOWS)


def _definition(workflow_class: type) -> Any:
    return workflow_class.__temporal_workflow_definition  # type: ignore[attr-defined]  # set by the SDK


def _upgrades(workflow_class: type) -> bool:
    return bool(_definition(of_versioned_worker(workflow_class)).versioning_behavior is VersioningBehavior.AUTO_UPGRADE)


def test_activities_call_services_with_the_given_fault_points(services: Services) -> None:
    faults = Noted(frozenset({("finish_cancel", "before")}))
    served = {method.__name__: method for method in activities(services, PORTS, faults)}
    with pytest.raises(NotFound):
        served["finish_cancel"](FinishCancel(new_id()))
    assert faults.reached == [("finish_cancel", "before")]
