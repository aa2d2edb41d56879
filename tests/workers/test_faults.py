"""Fault points: read from a setting, fired once, and reached around the methods of wrapped services."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.errors import NotFound
from workers.faults import METHODS, Faults, with_faults


@pytest.mark.parametrize("text", ["charge:first:kill", "charge:before:stop", "wrap:before:kill", "charge"])
def test_an_unknown_point_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"FAULTS|unpack"):
        Faults.parse(text, tmp_path)


def test_points_are_read_and_nothing_is_active_without_one(tmp_path: Path) -> None:
    assert Faults.parse("charge:before:kill,confirm:after:kill", tmp_path).points == {
        ("charge", "before"),
        ("confirm", "after"),
    }
    assert not Faults.parse("", tmp_path).active


def test_a_point_that_has_fired_is_passed(tmp_path: Path) -> None:
    (tmp_path / "fault-charge-before").touch()
    Faults.parse("charge:before:kill", tmp_path).reach("charge", "before")


@dataclass(frozen=True)
class Noted(Faults):
    """Notes the points that are reached."""

    reached: list[tuple[str, str]] = field(default_factory=list)

    def reach(self, step: str, point: str) -> None:
        self.reached.append((step, point))


def test_every_named_method_exists(services: Services) -> None:
    named = [getattr(getattr(services, name), method) for name, methods in METHODS.items() for method in methods]
    assert all(map(callable, named))


def test_a_wrapped_method_reaches_its_points_and_others_do_not(services: Services) -> None:
    faults = Noted()
    wrapped = with_faults(services, faults)
    with pytest.raises(NotFound):
        wrapped.reservations.confirm(new_id())
    wrapped.payments.undo(new_id())
    assert wrapped.payments.of_order(new_id()) == []
    assert faults.reached == [("confirm", "before"), ("refund", "before"), ("refund", "after")]
