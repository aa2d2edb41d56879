"""Backups restored to the same and to different points in time: every order ends, the provider agrees (F79, F17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from sandbox.backup import Backups, Part
from sandbox.settings import StackSettings
from sandbox.stack import Stack
from tests.journeys.restoring import (
    RECOVERED_WITHIN,
    Orders,
    command,
    disagreements,
    go_on_after_restore,
    start_after_restore,
    violations,
)
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.journeys.waiting import until

Restore = Callable[[Stack, Path], None]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("restored"))
    with Stack(replace(settings, env=CHEAP_PASSWORDS)) as running:
        yield running


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Shop]:
    opened = Shop(stack)
    yield opened
    opened.close()


def restored(stack: Stack, restore: Restore, backup: Path) -> None:
    """Stop the stack, restore, and start it, as if that had taken ten minutes; then do what the runbook says."""
    stack.stop()
    restore(stack, backup)
    start_after_restore(stack)
    command(stack, "reconcile", "--repair", "--lag", "3600", exits=0)


def restore(*parts: Part) -> Restore:
    return lambda stack, backup: Backups(stack.settings).restore(backup, parts, force=True)


def lose_temporal(stack: Stack, _backup: Path) -> None:
    for path in stack.settings.data_dir.glob("temporal.db*"):
        path.unlink()


@pytest.mark.parametrize("parts", [(Part.DATABASE, Part.TEMPORAL), (Part.DATABASE,)], ids=["both", "database"])
def test_F79_an_older_database(shop: Shop, tmp_path: Path, parts: Sequence[Part]) -> None:
    """Temporal is as old, or newer: workflows of orders that are gone, and of orders that go back."""
    stack, product = shop.stack, shop.product()
    orders = Orders.placed(shop, product)
    Backups(stack.settings).backup(tmp_path / "backup")
    gone, gone_open = orders.go_on(product)
    restored(stack, restore(*parts), tmp_path / "backup")
    go_on_after_restore(shop, orders, gone, gone_open)


@pytest.mark.parametrize("restore", [restore(Part.TEMPORAL), lose_temporal], ids=["older", "empty"])
def test_F17_an_older_temporal(shop: Shop, tmp_path: Path, restore: Restore) -> None:
    """Workflows of orders that have ended meanwhile, and orders without one."""
    stack, product = shop.stack, shop.product()
    orders = Orders.placed(shop, product)
    Backups(stack.settings).backup(tmp_path / "backup")
    later, later_open = orders.go_on(product)
    before = {each["id"]: each["status"] for customer in (orders.buyer, orders.other) for each in customer.orders()}
    restored(stack, restore, tmp_path / "backup")
    for customer, order in ((orders.buyer, orders.untouched), (orders.other, later_open)):
        customer.step(order, "pay", card="tok_succeeds")
        assert customer.wait_for_end(order)["status"] == "confirmed"
    after = {each["id"]: each["status"] for customer in (orders.buyer, orders.other) for each in customer.orders()}
    until(lambda: orders.buyer.order(orders.pays_slowly)["status"], lambda seen: seen == "confirmed", RECOVERED_WITHIN)
    after |= {orders.pays_slowly: "confirmed"}
    paid_since = (orders.untouched, orders.pays_slowly, later_open)
    assert after == before | dict.fromkeys(paid_since, "confirmed")
    assert after[later] == "confirmed"
    assert until(lambda: violations(stack), lambda found: not found, 90) == []
    assert disagreements(shop) == []
