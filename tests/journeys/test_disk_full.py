"""Disks without space: that of the logs (FAULTS F77), and that of PostgreSQL's data (F25)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx2
import pytest

from sandbox.component import Component
from sandbox.programs import Program
from sandbox.settings import StackSettings
from tests.journeys.conftest import running
from tests.journeys.customers import problem
from tests.journeys.load import Load
from tests.journeys.shop import CHEAP_PASSWORDS, STOCK, Shop, address_of
from tests.journeys.waiting import until

#: Every write to it fails with ENOSPC, as on a disk without space.
FULL = Path("/dev/full")
#: Bytes of the disk of PostgreSQL: the new cluster, and some of what orders write.
DISK = 192 * 2**20
ORDERS = 6


@pytest.fixture
def speechless(parts: Shop) -> Iterator[tuple[Program, Program]]:
    """The only API that is used and the only worker, of which standard output and standard error are on a full disk."""
    parts.wait_for_delivery()
    parts.stack.stop("workers")
    with parts.another_api(log=FULL) as api, parts.another_worker(log=FULL) as worker:
        yield api, worker
    parts.stack.start("workers")


def test_F77_requests_and_orders_go_on_while_no_line_of_the_log_can_be_written(
    parts: Shop, speechless: tuple[Program, Program]
) -> None:
    api, worker = speechless
    url, product = address_of(api), parts.product()
    # Registering and signing in write lines too.
    customer = parts.customer(api=url)
    cards = ["tok_succeeds", "tok_declines"] * (ORDERS // 2)
    ends = [customer.wait_for_end(customer.place(product, card=card))["status"] for card in cards]
    assert ends == ["confirmed", "cancelled"] * (ORDERS // 2)
    assert parts.stock(product) == (STOCK - ORDERS // 2, 0, ORDERS // 2)
    assert problem(customer.http.post("/orders", json={})) == (422, "validation-error")
    assert httpx2.get(f"{url}/livez").status_code == httpx2.get(f"{url}/readyz").status_code == 200
    assert (api.running, worker.running) == (True, True)
    for process in (worker, api):
        assert stopped(process) == "exit code 0"


def stopped(process: Component) -> str:
    """How a process ends that was asked to stop."""
    process.stop(within=15)
    return process.ending


@dataclass
class Disk:
    """A file system of its own, of which a file can take all that is left."""

    folder: Path

    @property
    def left(self) -> int:
        """Bytes that are free."""
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Take all that is left."""
        with suppress(OSError), (self.folder / "filler").open("ab", buffering=0) as filler:
            while filler.write(bytes(65536)):
                pass
        assert self.left == 0

    def free(self) -> None:
        """Give it back."""
        (self.folder / "filler").unlink()


@contextmanager
def mounted(folder: Path) -> Iterator[Disk]:
    """A small file system at the folder; skips the test where it cannot be mounted (it needs root)."""
    folder.mkdir()
    options = ["-o", f"size={DISK},mode=0711"]
    done = subprocess.run(["mount", "-t", "tmpfs", *options, "tmpfs", folder], capture_output=True)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[tuple[Shop, Disk]]:
    """A shop whose PostgreSQL, data and write-ahead log, is on a small disk; the final audit must find nothing."""
    settings = StackSettings.for_tests(tmp_path / "shop")
    env = {**CHEAP_PASSWORDS, "ORDERS_MAX_UNPAID": "0", "MESSAGE_BUDGET_FACTOR": "0"}
    with ExitStack() as opened:
        # Unmounted last.
        (tmp_path / "shop").mkdir(exist_ok=True)
        disk = opened.enter_context(mounted(tmp_path / "shop" / "disk"))
        shop = opened.enter_context(running(replace(settings, durable=True, separate=True, env=env)))
        database, cluster = shop.stack.component("postgres"), tmp_path / "shop" / "postgres"
        database.stop()
        subprocess.run(["cp", "-a", cluster, disk.folder], check=True)
        shutil.rmtree(cluster)
        cluster.symlink_to(disk.folder / "postgres")
        database.start()
        yield shop, disk
        assert shop.violations() == []


def test_F25_a_full_disk_of_the_database_refuses_orders_and_the_saga_waits(on_small_disk: tuple[Shop, Disk]) -> None:
    """Nothing is committed half: what was answered with 201 ends, and the tables agree with the provider."""
    shop, disk = on_small_disk
    database, customer, product = shop.stack.component("postgres"), shop.customer(), shop.product()
    waiting = customer.place(product, card="tok_succeeds_3")
    customer.wait_for_status(waiting, "payment_pending")
    load = Load(shop)
    with load.running():
        load.wait_for_orders(2)
        disk.fill()
        for _ in range(5):
            load.wait_for_refusal()
        assert disk.left == 0
        disk.free()
        before = len(load.orders)
        until(lambda: _runs(database) and len(load.orders) - before, lambda placed: placed >= 2)
    assert set(load.statuses) <= {201, 503}
    assert load.ends() == {"confirmed"}
    order = customer.wait_for_end(waiting)
    assert order["status"] == shop.outcome(waiting) == "confirmed"
    assert [(charge["captures"], charge["refunds"]) for charge in shop.ledger(order)] == [(1, [])]
    log = (shop.stack.settings.data_dir / "logs" / "postgres.log").read_text()
    assert "No space left on device" in log


def _runs(database: Component) -> bool:
    """Start PostgreSQL if it has ended: it does when its write-ahead log finds no space."""
    if not database.running:
        database.start()
    return True
