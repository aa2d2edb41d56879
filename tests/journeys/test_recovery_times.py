"""How long an order takes to go on after an accident; the times are printed."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError

from tests.journeys.customers import Customer
from tests.journeys.shop import Shop
from tests.journeys.waiting import until

#: Seconds within which an order without a workflow ends, or goes on (contract, section 3).
RECOVERED_WITHIN = 90.0

Print = Callable[[str, float], None]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Print:
    """Prints a time, also when the test passes."""

    def show(what: str, seconds: float) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\nrecovered after {seconds:.1f} s: {what}\n")

    return show


@pytest.mark.parametrize("part", ["workers", "temporal"])
def test_an_order_ends_after_a_part_was_killed_and_started_again(parts: Shop, part: str, printed: Print) -> None:
    """The time counts from the kill, the start of the part included. PostgreSQL: F21, on a durable server."""
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card="tok_succeeds_3")
    customer.wait_for_status(order_id, "payment_pending")
    killed = time.monotonic()
    parts.stack.kill(part)
    parts.stack.start(part)
    started = time.monotonic() - killed
    assert customer.wait_for_end(order_id)["status"] == "confirmed"
    printed(f"{part} killed; it was ready again after {started:.1f} s", time.monotonic() - killed)


@pytest.fixture
def waiting(parts: Shop) -> tuple[Customer, str]:
    """An order that waits for a payment method."""
    customer = parts.customer()
    order_id = customer.place(parts.product())
    customer.wait_for_status(order_id, "reserved")
    return customer, order_id


def test_F58_a_terminated_order_is_cancelled_and_undone(
    parts: Shop, waiting: tuple[Customer, str], printed: Print
) -> None:
    customer, order_id = waiting

    async def terminate() -> None:
        await (await parts.workflow(order_id)).terminate()

    asyncio.run(terminate())
    terminated = time.monotonic()
    order = until(lambda: customer.order(order_id), lambda seen: seen["status"] == "cancelled", RECOVERED_WITHIN)
    assert order["cancelReason"] == "operator_request"
    printed("its workflow terminated, the order cancelled", time.monotonic() - terminated)


def test_F17_an_order_that_temporal_has_forgotten_goes_on(
    parts: Shop, waiting: tuple[Customer, str], printed: Print
) -> None:
    customer, order_id = waiting
    asyncio.run(_delete(parts, order_id))
    deleted = time.monotonic()
    until(lambda: asyncio.run(_is_known(parts, order_id)), timeout=RECOVERED_WITHIN)
    printed("its workflow deleted, another one started", time.monotonic() - deleted)
    customer.step(order_id, "pay", card="tok_succeeds")
    assert customer.wait_for_end(order_id)["status"] == "confirmed"


async def _delete(parts: Shop, order_id: str) -> None:
    client = await parts.temporal()
    execution = WorkflowExecution(workflow_id=f"order-{order_id}")
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    await client.workflow_service.delete_workflow_execution(request)
    async with asyncio.timeout(20):
        while await _is_known(parts, order_id):
            await asyncio.sleep(0.1)


async def _is_known(parts: Shop, order_id: str) -> bool:
    try:
        await (await parts.workflow(order_id)).describe()
    except RPCError:
        return False
    return True
