"""`python -m tests.workflows.record`: records the histories that replay tests stand on.

Run it after a change that old runs cannot replay was made safe with `workflow.patched()`: the old files stay, new ones
get new names.
"""

from __future__ import annotations

import asyncio
import secrets
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID

from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from sandbox.temporal import TemporalServer
from services import db, migrate
from services.orders.status import OrderStatus
from services.orders.views import Policy
from services.payments.gateway import Outcome
from services.settings import Settings
from tests.builders import an_order
from tests.workflows.shop import Shop, open_shop
from workflows.client import connect

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = Path(__file__).parent / "histories"


async def confirmed(shop: Shop) -> UUID:
    return (await shop.place(an_order(shop.product()))).id


async def declined(shop: Shop) -> UUID:
    return (await shop.place(an_order(shop.product(), card="declines"))).id


async def out_of_stock(shop: Shop) -> UUID:
    return (await shop.place(an_order(shop.product(units=1), quantity=2))).id


async def unknown_then_found(shop: Shop) -> UUID:
    return (await shop.place(an_order(shop.product(), card="dies_charged"))).id


async def payment_expired(shop: Shop) -> UUID:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    await shop.forward(order.id, 1000)
    return order.id


async def cancelled_while_pending(shop: Shop) -> UUID:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    payment = shop.payment_id(order.id)
    shop.provider.decide(payment, Outcome.SUCCEEDED)
    shop.services.orders.notice_payment(order.id, payment, "hook")
    return order.id


STORIES: list[Callable[[Shop], Awaitable[UUID]]] = [
    confirmed,
    declined,
    out_of_stock,
    unknown_then_found,
    payment_expired,
    cancelled_while_pending,
]


async def record(shop: Shop, prefix: str) -> None:
    """Live every story once and keep its history."""
    for story in STORIES:
        order_id = await story(shop)
        await shop.outcome(order_id)
        history = await shop.workflow(order_id).fetch_history()
        path = HISTORIES / f"{prefix}{story.__name__}.json"
        # Stack traces of failures name the folder that the program ran from.
        path.write_text(history.to_json().replace(f"{ROOT}/", "") + "\n")
        sys.stdout.write(f"{path.name}\n")


async def main() -> None:
    """Both ways of running steps."""
    HISTORIES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, TemporalServer(None, free_port(), None) as temporal:
        server = EmbeddedPostgres(Path(folder) / "data", free_port(), secrets.token_hex(8), durable=False)
        with server as postgres:
            migrate.to_head(postgres.url())
            database = db.connect(postgres.url(), pool_size=32)
            client = await connect(Settings(app_env="development", temporal_address=temporal.address))
            for prefix, policy in (("", Policy(max_unpaid=0)), ("regular_", Policy(max_unpaid=0, local_lane=False))):
                async with open_shop(client, postgres.url(), database, Path(folder), policy) as shop:
                    await record(shop, prefix)
            database.close()


if __name__ == "__main__":
    asyncio.run(main())
