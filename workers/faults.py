"""Fault points at which a test kills the process, so that every crash can be tried at its worst moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import wraps
from pathlib import Path
from typing import Any

from services.bootstrap import Services

#: Names that `FAULTS` gives to service methods, most of them inside the transaction of their step; beside them, every
#: activity is a point by its own name: before its transaction begins and after its commit.
METHODS: Mapping[str, Mapping[str, str]] = {
    "reservations": {"hold": "hold", "release": "release", "confirm": "confirm"},
    "payments": {"create_intent": "intent", "charge_intent": "charge", "refresh_and": "charge", "undo": "refund"},
    "order_transitions": {"paid": "paid"},
    "notifications": {"queue_order_notifications": "notify"},
}
ACTIVITIES = (
    "reserve_stock",
    "charge_payment",
    "confirm_order",
    "release_stock",
    "refund_payment",
    "finish_cancel",
    "record_resolution",
)


@dataclass(frozen=True)
class Faults:
    """Fault points read from `FAULTS=step:before|after:kill,…`; each fires once, which a marker file records.

    Empty outside tests: production checks refuse the setting.
    """

    points: frozenset[tuple[str, str]] = frozenset()
    #: directory of the marker files: the next process passes a point that has fired
    marks: Path = field(default=Path(".data"))

    @classmethod
    def parse(cls, text: str, marks: Path) -> Faults:
        """Raises ValueError when a point is not `step:before|after:kill` with a known step."""
        known = {name for methods in METHODS.values() for name in methods.values()} | {*ACTIVITIES}
        points = set()
        for item in filter(None, text.split(",")):
            step, point, kind = item.split(":")
            if step not in known or point not in ("before", "after") or kind != "kill":
                raise ValueError(f"FAULTS: {item} is not step:before|after:kill with a step of {', '.join(known)}")
            points.add((step, point))
        return cls(frozenset(points), marks)

    @property
    def active(self) -> bool:
        """Whether any point can fire."""
        return bool(self.points)

    def reach(self, step: str, point: str) -> None:
        """Kill this process, once, when the point was asked for."""
        if (step, point) not in self.points:
            return
        mark = self.marks / f"fault-{step}-{point}"
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def with_faults(services: Services, faults: Faults) -> Services:
    """The same services, whose methods reach the fault points before and after they run."""
    wrapped = {name: _FaultyService(getattr(services, name), methods, faults) for name, methods in METHODS.items()}
    return replace(services, **wrapped)  # type: ignore[arg-type]  # the wrappers have every method of what they wrap


class _FaultyService:
    def __init__(self, service: object, steps: Mapping[str, str], faults: Faults) -> None:
        self._service = service
        self._steps = steps
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._service, name)
        step = self._steps.get(name)
        return around(attribute, step, self._faults) if step else attribute


def around(method: Callable[..., Any], step: str, faults: Faults) -> Callable[..., Any]:
    """The method, which reaches the points of `step` before and after it runs."""

    @wraps(method)
    def run(*args: object, **kwargs: object) -> object:
        faults.reach(step, "before")
        result = method(*args, **kwargs)
        faults.reach(step, "after")
        return result

    return run
