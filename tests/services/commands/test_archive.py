"""`archive` moves old orders, counts them, moves one back, and says what it refuses."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from sandbox.layout import ROOT
from services.archive.archive import OrderArchive
from services.db import Database
from services.order_number import order_number
from services.orders.views import OrderView
from services.payments.service import PaymentService
from services.reconcile.tables import check_tables
from tests.fakes.gateway import FakeGateway
from tests.old_orders import BEFORE, make_old, old_order_ids, rows
from tests.services.commands.conftest import Commands
from tests.services.reconcile.conftest import confirm_an_order

DATE = f"{BEFORE:%Y-%m-%d}"


def sold(database: Database, monkeypatch: pytest.MonkeyPatch, count: int) -> list[OrderView]:
    payments = PaymentService(database, FakeGateway())
    with monkeypatch.context() as patched:
        old_order_ids(patched)
        orders = [confirm_an_order(database, payments) for _ in range(count)]
    make_old(database)
    return orders


def test_orders_are_counted_moved_and_one_is_moved_back(
    command: Commands, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = sold(database, monkeypatch, 5)
    number = order_number(str(orders[1].id))

    counted = command("archive", "--before", DATE, "--dry-run", "--batch", 2)
    assert (counted.exit_code, counted.output) == (0, "5 orders would be archived.\n")
    assert rows(database)["orders.orders"] == (5, 0)
    moved = command("archive", "--before", DATE, "--batch", 2)
    assert (moved.exit_code, moved.output) == (0, "5 orders were archived, with 50.00 RUB in the ledger.\n")
    assert rows(database)["orders.orders"] == (0, 5)
    again = command("archive", "--before", DATE)
    assert (again.exit_code, again.output) == (0, "0 orders were archived.\n")

    restored = [command("archive", "--restore", number), command("archive", "--restore", orders[1].id)]
    assert [(each.exit_code, each.output.splitlines()[-1]) for each in restored] == [
        (0, f"Order {number} was moved back."),
        (0, f"Order {number} is not in the archive."),
    ]
    assert rows(database)["orders.orders"] == (1, 4)
    assert command("archive", "--before", DATE).output == "0 orders were archived.\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--before", "2999-01-01"], 2, "30 days after their last change"),
        (["--before", f"{time.strftime('%Y-%m-%d')}", "--dry-run"], 2, "30 days after their last change"),
        (["--before", "yesterday"], 2, "yesterday"),
        ([], 2, "Give either --before DATE or --restore NUMBER."),
        (["--before", DATE, "--restore", "9F3A-21C4"], 2, "Give either --before DATE or --restore NUMBER."),
        (["--before", DATE, "--batch", "0"], 2, "--batch"),
        (["--restore", "9F3A-21C4"], 1, "No order has the number 9F3A-21C4"),
        (["--restore", "x"], 2, "This is no order number"),
    ],
)
def test_what_is_refused(command: Commands, words: list[str], code: int, message: str) -> None:
    done = command("archive", *words)
    assert (done.exit_code, message in done.output) == (code, True), done.output


def test_a_killed_run_is_continued(command: Commands, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    sold(database, monkeypatch, 40)
    before = rows(database)
    argv = [sys.executable, "-m", "services", "archive", "--before", DATE, "--batch", "1"]
    run = subprocess.Popen(argv, cwd=ROOT, env=command.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not rows(database)["orders.orders"][1]:
        assert run.poll() is None
        assert time.monotonic() < deadline
    run.send_signal(signal.SIGKILL)
    run.wait()

    left, moved = rows(database)["orders.orders"]
    assert left > 0
    assert left + moved == 40
    assert {table: sum(each) for table, each in rows(database).items()} == {
        table: count for table, (count, _) in before.items()
    }
    assert [check.violations for check in check_tables(database) if check.violations] == []
    assert OrderArchive(database).count(BEFORE)[0] == left
    assert command("archive", "--before", DATE).output.startswith(f"{left} orders were archived")
    assert rows(database) == {table: (0, count) for table, (count, _) in before.items()}
