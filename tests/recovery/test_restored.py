"""A dump, and a recovery to a moment, by the commands of the pages; Temporal begins empty (F79)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sandbox.settings import StackSettings
from sandbox.stack import Stack
from services import migrate
from tests.journeys.restoring import Orders, command, go_on_after_restore, start_after_restore
from tests.journeys.runbook import sections
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.journeys.test_operations import run
from tests.journeys.waiting import until
from tests.recovery.conftest import ArchivingServer, TemporalOnServer, block

RUNBOOK = sections()["The database was restored"]


def test_F79_recovery_to_a_moment_before_the_last_orders(server: ArchivingServer, tmp_path: Path) -> None:
    """The server crashes; only its base backup and its archive are left."""
    server.configure(block("archive_mode"))
    server.execute(block("CREATE ROLE backup"))
    with _shop(server, tmp_path) as shop:
        product = shop.product()
        early = shop.customer()
        before = early.place(product, card="tok_succeeds")
        early.wait_for_status(before, "confirmed")
        server.run(block("pg_basebackup"))
        orders = Orders.placed(shop, product)
        moment = server.now()
        gone, gone_open = orders.go_on(product)
        server.wait_until_archived()

        shop.stack.stop()
        server.postgres.kill()
        server.run(block("mkdir"), MOMENT=moment)
        server.put_in_place(tmp_path / "restored")
        until(lambda: not server.in_recovery())
        _lose_temporal(shop.stack)
        start_after_restore(shop.stack)
        _follow_runbook(shop)

        go_on_after_restore(shop, orders, gone, gone_open)
        assert early.order(before)["status"] == "confirmed"
        (tmp_path / "base").rename(tmp_path / "base-of-last-week")
        server.run(block("pg_basebackup"))


def test_F79_recovery_of_both_stores_to_a_moment(
    server: ArchivingServer, temporal: TemporalOnServer, tmp_path: Path
) -> None:
    """One server has the databases of the market and of Temporal: both go to the same moment."""
    server.configure(block("archive_mode"))
    server.execute(block("CREATE ROLE backup"))
    with _shop(server, tmp_path, temporal.address) as shop:
        product = shop.product()
        server.run(block("pg_basebackup"))
        orders = Orders.placed(shop, product)
        moment = server.now()
        gone, gone_open = orders.go_on(product)
        server.wait_until_archived()

        shop.stack.stop()
        temporal.program.stop()
        server.postgres.kill()
        server.run(block("mkdir"), MOMENT=moment)
        server.put_in_place(tmp_path / "restored")
        until(lambda: not server.in_recovery())
        temporal.program.start()
        start_after_restore(shop.stack)
        _follow_runbook(shop)

        go_on_after_restore(shop, orders, gone, gone_open)


def test_F79_a_dump(server: ArchivingServer, tmp_path: Path) -> None:
    with _shop(server, tmp_path) as shop:
        product = shop.product()
        orders = Orders.placed(shop, product)
        server.run(block("pg_dump"))
        gone, gone_open = orders.go_on(product)

        shop.stack.stop()
        server.end_connections()
        server.run(block("psql --dbname=postgres --command='ALTER DATABASE"))
        _lose_temporal(shop.stack)
        start_after_restore(shop.stack)
        _follow_runbook(shop)

        go_on_after_restore(shop, orders, gone, gone_open)


@contextmanager
def _shop(server: ArchivingServer, folder: Path, temporal_address: str | None = None) -> Iterator[Shop]:
    migrate.to_head(server.roles.url("market_owner"))
    settings = replace(
        StackSettings.for_tests(folder / "stack"),
        database_url=server.roles.url("market"),
        temporal_address=temporal_address,
        env=CHEAP_PASSWORDS,
    )
    with Stack(settings) as stack:
        shop = Shop(stack)
        yield shop
        shop.close()


def _lose_temporal(stack: Stack) -> None:
    for path in stack.settings.data_dir.glob("temporal.db*"):
        path.unlink()


def _follow_runbook(shop: Shop) -> None:
    """Money of the order that is gone is a violation of I13 until it is sent back: `reconcile` exits with 1."""
    for line in [line for each in RUNBOOK for line in each.commands]:
        words = line.split()
        if words[:4] == ["python", "-m", "services", "reconcile"]:
            command(shop.stack, *words[3:], exits=1)
        else:
            run(shop, line)
