"""Start inputs that any released version stored with an order can start its workflow today."""

from __future__ import annotations

import json
import tomllib
from dataclasses import MISSING, fields
from pathlib import Path
from uuid import UUID

import pytest

from services.orders.start_input import OrderInput
from workflows.order_commands import order_input

ROOT = Path(__file__).resolve().parents[2]
STORED = sorted((Path(__file__).parent / "start_inputs").glob("*.json"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_start_input_is_decoded(path: Path) -> None:
    """Red? A field was removed, renamed or added without a default: open orders could not be started again."""
    stored = json.loads(path.read_text())
    decoded = order_input(stored)
    assert isinstance(decoded.order_id, UUID)
    assert {name: value for name, value in decoded.to_json().items() if name in stored} == stored


def test_this_version_has_its_start_input_stored() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert version in {path.stem for path in STORED}
    # The newest file is the one of the next release once a field was added after the last one.
    stored = json.loads(STORED[-1].read_text())
    assert stored.keys() == {field.name for field in fields(OrderInput)}


def test_fields_that_are_not_in_the_first_release_have_defaults() -> None:
    first = json.loads(STORED[0].read_text())
    assert [each.name for each in fields(OrderInput) if each.default is MISSING and each.name not in first] == []


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_the_start_input_of_a_later_release_is_decoded(path: Path) -> None:
    """APIs may be deployed before workers: fields that a worker does not know yet are ignored."""
    stored = json.loads(path.read_text())
    assert order_input(stored | {"of_a_later_release": 1}) == order_input(stored)
