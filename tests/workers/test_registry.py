"""The registry: every activity and workflow of the project is served, and fault points wrap the services."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from inspect import getmembers, isclass
from types import ModuleType

import pytest

import activities as activities_package
import workflows as workflows_package
from activities.messages import FinishCancel
from services.bootstrap import Services
from services.clock import new_id
from services.errors import NotFound
from services.orders.views import Command
from tests.workers.test_faults import Noted
from workers.registry import WORKFLOWS, activities


class NoDelivery:
    async def deliver(self, command: Command) -> str:
        raise AssertionError(f"{command.name} must not be delivered")


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
    assert sorted(method.__name__ for method in activities(services, NoDelivery())) == sorted(defined)


def test_every_workflow_is_served() -> None:
    defined = {each for each in classes(workflows_package) if hasattr(each, "__temporal_workflow_definition")}
    assert len(defined) == 5
    assert set(WORKFLOWS) == defined


def test_activities_call_services_with_the_given_fault_points(services: Services) -> None:
    faults = Noted(frozenset({("finish_cancel", "before")}))
    served = {method.__name__: method for method in activities(services, NoDelivery(), faults)}
    with pytest.raises(NotFound):
        served["finish_cancel"](FinishCancel(new_id()))
    assert faults.reached == [("finish_cancel", "before")]
