"""Processes that run out of a resource (FAULTS F13)."""

from __future__ import annotations

import os
import resource
from pathlib import Path

from sandbox.programs import answers_readyz
from tests.journeys.shop import Shop
from tests.journeys.test_crashes import assert_confirmed_once
from tests.journeys.waiting import until

#: Bytes that the limited process may still map.
LEFT = 2 * 2**20


def limit_address_space(pid: int) -> None:
    """Let a process map no more than it has mapped already (RLIMIT_AS)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    limit = pages * os.sysconf("SC_PAGE_SIZE") + LEFT
    resource.prlimit(pid, resource.RLIMIT_AS, (limit, limit))


def test_F13_a_worker_without_memory_ends_itself_and_its_successor_continues(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    worker = parts.stack.component("workers")
    # A worker that the test before left behind may still be importing its modules.
    until(answers_readyz(parts.stack.settings.ports.metrics))
    order_id = customer.place(product, card=parts.paying("card", "answers_later"))
    customer.wait_for_event(order_id, "payment_waiting")
    parts.wait_for_delivery()  # otherwise the messages that it has claimed would wait until their lease ends
    limit_address_space(worker.pid)
    until(lambda: not worker.running)
    assert worker.ending == f"exit code {os.EX_OSERR}", worker.exit_report()
    assert any('"process.exhausted"' in line and '"critical"' in line for line in worker.last_lines())
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


def test_F13_an_api_without_memory_ends_itself(parts: Shop) -> None:
    api = parts.stack.component("api")
    limit_address_space(api.pid)
    until(lambda: not api.running)
    assert api.ending == f"exit code {os.EX_OSERR}", api.exit_report()
