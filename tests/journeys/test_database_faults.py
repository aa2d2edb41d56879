"""PostgreSQL killed, restarted, read-only, locked or migrated, in a running shop (FAULTS F21 … F28, F72)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from structlog.testing import capture_logs

from sandbox.settings import StackSettings
from services import migrate
from tests.journeys.conftest import running
from tests.journeys.customers import problem
from tests.journeys.load import Load
from tests.journeys.locks import holding, wait_until_blocked
from tests.journeys.shop import CHEAP_PASSWORDS, STOCK, Shop, address_of
from tests.journeys.waiting import until
from tests.planted import planted

#: Seconds after which a statement gives up waiting for a lock.
LOCK_TIMEOUT = 3
_END_CONNECTIONS = """
    SELECT count(pg_terminate_backend(pid)) FROM (
        SELECT pid FROM pg_stat_activity WHERE application_name = 'market' ORDER BY random() LIMIT 2) AS chosen
    """


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """API and workers on a PostgreSQL that loses nothing when it is killed; the final audit must find nothing."""
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("durable"))
    env = {**CHEAP_PASSWORDS, "ORDERS_MAX_UNPAID": "0", "MESSAGE_BUDGET_FACTOR": "0"}
    with running(replace(settings, durable=True, separate=True, env=env)) as opened:
        yield opened
        assert opened.violations() == []


@contextmanager
def admin(shop: Shop) -> Iterator[psycopg.Connection[Any]]:
    """A connection of its own, which may write also while others may not; it commits each statement."""
    options = "-c default_transaction_read_only=off"
    with psycopg.connect(shop.stack.addresses.database, autocommit=True, options=options) as connection:
        yield connection


def test_F21_postgres_killed_three_times_under_load(shop: Shop) -> None:
    load, database = Load(shop), shop.stack.component("postgres")
    with load.running():
        for _ in range(3):
            load.wait_for_orders(3)
            database.kill()
            load.wait_for_refusal()
            database.start()
            started = time.monotonic()
            load.wait_for_orders(1)
            assert time.monotonic() - started < 10
    assert set(load.statuses) == {201, 503}
    assert load.ends() == {"confirmed"}


def test_F22_connections_ended_every_200_ms_and_a_fast_restart_under_load(shop: Shop) -> None:
    load, ended, database = Load(shop), 0, shop.stack.component("postgres")
    with load.running():
        with admin(shop) as connection:
            for _ in range(25):
                ended += connection.execute(_END_CONNECTIONS).fetchall()[0][0]
                threading.Event().wait(0.2)
        assert ended > 10
        load.wait_for_orders(1)
        database.stop()  # SIGINT, PostgreSQL's fast shutdown
        database.start()
        load.wait_for_orders(4)
    assert set(load.statuses) <= {201, 503}
    assert load.ends() == {"confirmed"}


@contextmanager
def read_only(shop: Shop) -> Iterator[None]:
    """Every other transaction of the server may only read during the block."""
    with admin(shop) as connection:
        try:
            connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
            connection.execute("SELECT pg_reload_conf()")
            yield
        finally:
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")


def test_F25_a_read_only_database_refuses_orders_and_the_saga_waits(shop: Shop) -> None:
    customer, product = shop.customer(), shop.product()
    card = shop.paying("card", "succeeds")
    waiting = customer.place(product, card="tok_succeeds_3")
    customer.wait_for_status(waiting, "payment_pending")
    with read_only(shop):
        until(lambda: customer.post_order(product, card=card), lambda answer: answer.status_code == 503)
        until(lambda: shop.ledger(customer.order(waiting)), lambda found: [one["captures"] for one in found] == [1])
        assert problem(customer.post_order(product, card=card)) == (503, "service-unavailable")
        assert customer.order(waiting)["status"] == "payment_pending"
        placed = len(customer.orders())

    order = customer.wait_for_end(waiting)
    assert order["status"] == shop.outcome(waiting) == "confirmed"
    assert [(charge["captures"], charge["refunds"]) for charge in shop.ledger(order)] == [(1, [])]
    until(lambda: customer.post_order(product, card=card).status_code, lambda status: status == 201)
    assert len(customer.orders()) == placed + 1


def test_F26_a_locked_stock_delays_the_orders_of_its_product_only(shop: Shop) -> None:
    customer, wanted, other = shop.customer(), shop.product(), shop.product()
    card = shop.paying("card", "succeeds")
    with holding(shop, "SELECT FROM reservations.stocks WHERE product_id = %(id)s FOR UPDATE", id=wanted):
        delayed = customer.place(wanted, card=card)
        first = wait_until_blocked(shop, "stocks")
        unaffected = customer.place(other, card=card)
        assert customer.wait_for_end(unaffected)["status"] == "confirmed"
        again = wait_until_blocked(shop, "stocks", after=first)
        assert again - first >= timedelta(seconds=LOCK_TIMEOUT)
        assert customer.order(delayed)["status"] == "created"
    assert customer.wait_for_end(delayed)["status"] == "confirmed"
    assert shop.stock(wanted) == (STOCK - 1, 0, 1)


def test_F28_an_exhausted_pool_refuses_within_a_second(shop: Shop) -> None:
    with shop.another_api(DATABASE_POOL="1") as api, ThreadPoolExecutor(1) as pool:
        url = address_of(api)
        with holding(shop, "LOCK TABLE catalog.products IN ACCESS EXCLUSIVE MODE"):
            slow = pool.submit(httpx2.get, f"{url}/api/v1/products", timeout=30)
            wait_until_blocked(shop, "catalog.products")
            began = time.monotonic()
            refused = httpx2.get(f"{url}/api/v1/products", timeout=30)
            took = time.monotonic() - began
            assert httpx2.get(f"{url}/livez").status_code == 200
            assert "database_pool_limit 1.0" in httpx2.get(f"{url}/metrics").text
        assert problem(refused) == (503, "service-unavailable")
        assert took < LOCK_TIMEOUT - 1
        assert slow.result().status_code in (200, 503)


#: What a later version adds: a column that old rows do not have, an index of a busy table, and a wider CHECK.
_EXPANDING = (
    'op.add_column("orders", sa.Column("planted", sa.Text(), server_default="none"), schema="orders")',
    """
    from services.migrations.online import create_index
    ---
    create_index("ix_events_planted", "events", ["at"], schema="orders")
    """,
    """
    op.drop_constraint(op.f("ck_stocks_planted"), "stocks", schema="reservations", type_="check", if_exists=True)
    op.create_check_constraint(op.f("ck_stocks_planted"), "stocks", "total >= -1", schema="reservations")
    """,
)


def test_F72_a_later_version_migrates_under_load(shop: Shop, tmp_path: Path) -> None:
    """The last test of this shop: it goes on with the schema of a later version."""
    load, url = Load(shop), shop.stack.addresses.database
    with load.running(), capture_logs() as logs:
        load.wait_for_orders(3)
        with holding(shop, "SELECT FROM orders.orders LIMIT 1"):
            migrating = threading.Thread(target=migrate.upgrade, args=(planted(url, tmp_path, *_EXPANDING),))
            migrating.start()
            until(lambda: len(logs), lambda refused: refused >= 2)
            load.wait_for_orders(3)
        migrating.join(60)
        load.wait_for_orders(3)
    assert set(load.statuses) == {201}
    assert load.ends() == {"confirmed"}
    assert shop.rows("SELECT version_num FROM alembic_version") == [("9003",)]
    assert httpx2.get(f"{shop.stack.addresses.api}/readyz").json()["database"] == "newer-schema"
