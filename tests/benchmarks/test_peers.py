"""The steps of a peer's order take effect once; a peer that cannot run is reported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest

from benchmarks.peers import command
from benchmarks.peers.dbos_driver import DbosDriver
from benchmarks.peers.steps import STOCK, Shop, Steps
from benchmarks.process import NotMeasured
from sandbox.standins.running import StandIns, running_stand_ins

PRODUCTS = [str(uuid4()) for _ in range(3)]


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[StandIns]:
    with running_stand_ins() as running:
        yield running


@pytest.fixture
def shop(database_url: str, stand_ins: StandIns) -> Shop:
    credentials = f"{stand_ins.settings['YOOKASSA_SHOP_ID']}:{stand_ins.settings['YOOKASSA_SECRET_KEY']}"
    return Shop(database_url, urlsplit(stand_ins.url).netloc, credentials, "tok_succeeds", PRODUCTS)


@pytest.fixture
def steps(shop: Shop) -> Iterator[Steps]:
    steps = Steps(shop)
    yield steps
    steps.close()
    with psycopg.connect(shop.database) as connection:
        connection.execute("DROP SCHEMA peers CASCADE")


def test_an_order_whose_steps_are_all_repeated_is_charged_and_sold_once(steps: Steps, shop: Shop) -> None:
    order_id = str(uuid4())
    for _ in range(2):
        steps.create_order(order_id, PRODUCTS[:2])
        steps.reserve_stock(order_id)
        steps.charge_payment(order_id, 2)
        steps.confirm_order(order_id)
        steps.queue_message(order_id)
    with psycopg.connect(shop.database) as connection:
        stocks = connection.execute("SELECT product_id::text, available, reserved, sold FROM peers.stocks").fetchall()
        orders = connection.execute("SELECT status, total_minor FROM peers.orders").fetchall()
        payments = connection.execute("SELECT amount_minor FROM peers.payments").fetchall()
    assert {product: tuple(units) for product, *units in stocks} == {
        PRODUCTS[0]: (STOCK - 1, 0, 1),
        PRODUCTS[1]: (STOCK - 1, 0, 1),
        PRODUCTS[2]: (STOCK, 0, 0),
    }
    assert (orders, payments) == ([("confirmed", 2000)], [(2000,)])


def test_a_charge_continues_after_the_server_closed_the_connection(steps: Steps, stand_ins: StandIns) -> None:
    first, second = str(uuid4()), str(uuid4())
    for order_id in (first, second):
        steps.create_order(order_id, PRODUCTS[:1])
    steps.charge_payment(first, 1)
    stand_ins.stop()
    stand_ins.start()
    steps.charge_payment(second, 1)


def test_a_dbos_saga_that_cannot_start_is_reported_with_its_last_output(shop: Shop, tmp_path: Path) -> None:
    without_dbos = DbosDriver(Path(sys.executable), tmp_path / "log", shop)
    with (
        pytest.raises(NotMeasured, match=r"(?s)the DBOS saga ended. Last output:.*No module named 'dbos'"),
        without_dbos,
    ):
        pass


def test_a_missing_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "PYTHON", tmp_path / "python")
    assert command.main([]) == 1
    assert ".venv-peers is missing: run `make bench-peers`" in capsys.readouterr().err
