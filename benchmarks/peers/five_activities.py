"""Temporal's straightforward saga: five regular activities, worker and client as the SDK's documentation has them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.connection import Connection
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks.load import keep_in_flight
    from benchmarks.peers.steps import THREADS, Shop, Steps
    from benchmarks.plan import Done, Round
    from benchmarks.process import serve_rounds

QUEUE = "five-activities"
TIMEOUT = timedelta(seconds=10)


class Activities:
    """The five steps as activities."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    @activity.defn
    def create_order(self, order_id: str, products: list[str]) -> None:
        """Write the order and its lines."""
        self._steps.create_order(order_id, products)

    @activity.defn
    def reserve_stock(self, order_id: str) -> None:
        """Reserve the goods."""
        self._steps.reserve_stock(order_id)

    @activity.defn
    def charge_payment(self, order_id: str, products: int) -> None:
        """Charge at the provider."""
        self._steps.charge_payment(order_id, products)

    @activity.defn
    def confirm_order(self, order_id: str) -> None:
        """Sell the reserved goods."""
        self._steps.confirm_order(order_id)

    @activity.defn
    def queue_message(self, order_id: str) -> None:
        """Queue a message."""
        self._steps.queue_message(order_id)


@workflow.defn
class FiveActivities:
    """One order."""

    @workflow.run
    async def run(self, order_id: str, products: list[str]) -> None:
        """Run the activities one after the other."""
        run = workflow.execute_activity_method
        await run(Activities.create_order, args=[order_id, products], start_to_close_timeout=TIMEOUT)
        await run(Activities.reserve_stock, order_id, start_to_close_timeout=TIMEOUT)
        await run(Activities.charge_payment, args=[order_id, len(products)], start_to_close_timeout=TIMEOUT)
        await run(Activities.confirm_order, order_id, start_to_close_timeout=TIMEOUT)
        await run(Activities.queue_message, order_id, start_to_close_timeout=TIMEOUT)


def run(connection: Connection, shop: Shop, address: str, namespace: str) -> None:
    """Serve until the connection is closed: measure the rounds that are requested."""
    asyncio.run(_serve(connection, shop, address, namespace))


async def _serve(connection: Connection, shop: Shop, address: str, namespace: str) -> None:
    client = await Client.connect(address, namespace=namespace)
    steps = Steps(shop)
    own = Activities(steps)
    chosen = random.Random(1)

    async def one(_: int) -> None:
        arguments = [str(uuid4()), chosen.sample(shop.products, 2)]
        await client.execute_workflow(FiveActivities.run, args=arguments, id=f"five-{arguments[0]}", task_queue=QUEUE)

    async def measure(wanted: Round) -> Done:
        return await keep_in_flight(one, wanted.in_flight, wanted.seconds)

    activities: list[Callable[..., None]] = [
        *(own.create_order, own.reserve_stock, own.charge_payment, own.confirm_order, own.queue_message)
    ]
    with ThreadPoolExecutor(THREADS) as threads:
        async with Worker(
            client, task_queue=QUEUE, workflows=[FiveActivities], activities=activities, activity_executor=threads
        ):
            await serve_rounds(connection, measure)
    steps.close()
