"""The saga on DBOS, a program of its own in the environment `.venv-peers`.

It reads lines of JSON from its input: the shop, which it answers with the version of DBOS, and then rounds.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from uuid import uuid4

from dbos import DBOS  # type: ignore[import-not-found] # installed in .venv-peers only

from benchmarks.load import keep_in_flight
from benchmarks.peers.steps import THREADS, Shop, Steps
from benchmarks.plan import Done


def main() -> None:
    """Serve until the input ends."""
    shop = Shop(**json.loads(sys.stdin.readline()))
    steps = Steps(shop)
    # A connection for each thread; the log level keeps the answers apart from messages.
    config = {
        "name": "peers",
        "system_database_url": shop.database.replace("postgresql://", "postgresql+psycopg://"),
        "sys_db_pool_size": THREADS,
        "max_executor_threads": 64,
        "log_level": "ERROR",
        "console_log_level": "ERROR",
    }
    DBOS(config=config)
    order = _workflow(steps)
    DBOS.launch()
    _say(version("dbos"))
    for line in sys.stdin:
        wanted = json.loads(line)
        _say(asdict(asyncio.run(_measure(order, shop, wanted["in_flight"], wanted["seconds"]))))
    DBOS.destroy()
    steps.close()


def _workflow(steps: Steps) -> object:
    def order(order_id: str, products: list[str]) -> None:
        DBOS.run_step({"name": "create_order"}, steps.create_order, order_id, products)
        DBOS.run_step({"name": "reserve_stock"}, steps.reserve_stock, order_id)
        DBOS.run_step({"name": "charge_payment"}, steps.charge_payment, order_id, len(products))
        DBOS.run_step({"name": "confirm_order"}, steps.confirm_order, order_id)
        DBOS.run_step({"name": "queue_message"}, steps.queue_message, order_id)

    decorated: object = DBOS.workflow(name="order")(order)
    return decorated


async def _measure(order: object, shop: Shop, in_flight: int, seconds: float) -> Done:
    chosen, loop = random.Random(), asyncio.get_running_loop()
    with ThreadPoolExecutor(in_flight, thread_name_prefix="buyer") as buyers:

        async def one(_: int) -> None:
            await loop.run_in_executor(buyers, _place, order, chosen.sample(shop.products, 2))

        return await keep_in_flight(one, in_flight, seconds)


def _place(order: object, products: list[str]) -> None:
    DBOS.start_workflow(order, str(uuid4()), products).get_result()


def _say(answer: object) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
