"""A worker whose clock is wrong: holds, payment windows and timers use the clocks of the servers (FAULTS F52)."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path

import pytest

from sandbox.programs import Program, answers_readyz
from tests.journeys.shop import STOCK, Shop
from tests.journeys.waiting import until
from workflows.maintenance import PeriodicWorkflow

#: Debian's package `faketime`.
_FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
SWEEP = "sweep-reservations"
#: More than a hold and a payment window last.
_HOURS = 2


@pytest.mark.skipif(_FAKETIME is None, reason="libfaketime is not installed (Debian: apt-get install faketime)")
@pytest.mark.parametrize("jump", [f"+{_HOURS}h", f"-{_HOURS}h"], ids=["ahead", "behind"])
def test_F52_the_clock_of_a_worker_ends_no_hold_and_no_payment_window(parts: Shop, jump: str) -> None:
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product)
    customer.wait_for_status(order_id, "reserved")
    parts.stack.stop("workers")
    clock = {"LD_PRELOAD": str(_FAKETIME), "FAKETIME": jump, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    worker = parts.another_worker(log=None, **clock)
    with worker:
        until(answers_readyz(int(worker.name.removeprefix("workers-"))))
        assert abs(abs(clock_of(worker) - time.time()) - _HOURS * 3600) < 300
        paid = customer.place(product, card=parts.paying("card", "succeeds"))
        assert customer.wait_for_end(paid)["status"] == "confirmed"
        # The sweep of expired holds is a job of this worker, and releases nothing.
        assert asyncio.run(swept(parts)) == 0
        assert customer.order(order_id)["status"] == "reserved"
        assert parts.stock(product) == (STOCK - 2, 1, 1)
        customer.step(order_id, "pay", card=parts.paying("card", "succeeds"))
        assert customer.wait_for_end(order_id)["status"] == "confirmed"
    assert parts.stock(product) == (STOCK - 2, 0, 2)
    assert parts.outcome(order_id) == "confirmed"


def clock_of(worker: Program) -> float:
    """Seconds since 1970 by the worker's clock, when it wrote its last line of the log."""
    return datetime.fromisoformat(json.loads(worker.last_lines(1)[0])["at"]).timestamp()


async def swept(shop: Shop) -> int | None:
    """Sweep now; returns how many holds ended."""
    job = (await shop.temporal()).get_workflow_handle(SWEEP)
    async with asyncio.timeout(30):
        done = len(await job.query(PeriodicWorkflow.results))
        await job.signal(PeriodicWorkflow.run_now)
        while len(results := await job.query(PeriodicWorkflow.results)) <= done:
            await asyncio.sleep(0.1)
    return results[-1]
