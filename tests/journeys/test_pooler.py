"""A shop whose API and workers reach PostgreSQL through pgbouncer in transaction mode (FAULTS F29)."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from sandbox.addresses import Secrets
from sandbox.datadir import DataDir
from sandbox.layout import Layout
from sandbox.settings import StackSettings
from tests.journeys.conftest import running
from tests.journeys.customers import answered
from tests.journeys.shop import CHEAP_PASSWORDS, STOCK, Shop
from tests.journeys.three_ends import reach_three_ends
from tests.journeys.waiting import until
from tests.pooler import pgbouncer

#: Connections of the pooler to the server; API and worker may open sixteen each to the pooler.
SERVER_CONNECTIONS = 8
CLIENTS = 8
ORDERS = 5
#: The sessions of the pooler at the server; those of LISTEN are direct and listen.
_SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
     WHERE application_name = 'market' AND query NOT LIKE 'LISTEN%%' AND pid <> pg_backend_pid()
    """


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """API and workers behind a pooler; the final audit must find nothing."""
    folder = tmp_path_factory.mktemp("pooler")
    settings = replace(StackSettings.for_tests(folder), separate=True)
    direct = Layout(settings, folder, Secrets.of(DataDir(folder))).addresses.database
    with pgbouncer(direct, default_pool_size=str(SERVER_CONNECTIONS)) as pooler:
        addresses = {"DATABASE_URL": pooler, "DATABASE_LISTEN_URL": direct}
        env = {**CHEAP_PASSWORDS, **addresses, "ORDERS_MAX_UNPAID": "0", "MESSAGE_BUDGET_FACTOR": "0"}
        with running(replace(settings, env=env)) as opened:
            yield opened
            assert opened.violations() == []


def test_F29_orders_are_confirmed_declined_and_cancelled_through_a_pooler(shop: Shop) -> None:
    reach_three_ends(shop, shop.customer())


def test_F29_forty_orders_of_eight_clients_through_a_pooler_while_the_worker_is_killed(shop: Shop) -> None:
    product, card = shop.product(), shop.paying("card", "succeeds")
    customers = [shop.customer() for _ in range(CLIENTS)]
    statuses: Counter[int] = Counter()

    def buy(number: int) -> list[str]:
        placed = []
        for _ in range(ORDERS):
            answer = customers[number].post_order(product, card=card)
            statuses[answer.status_code] += 1
            placed.append(str(answered(answer, 201)["orderId"]))
        return placed

    with ThreadPoolExecutor(CLIENTS) as threads:
        buying = [threads.submit(buy, number) for number in range(CLIENTS)]
        shop.stack.send("workers", signal.SIGKILL)
        until(lambda: shop.stack.component("workers").running, lambda running: not running)
        shop.stack.start("workers")
        orders = [(customers[number], order_id) for number in range(CLIENTS) for order_id in buying[number].result()]
    assert statuses == {201: CLIENTS * ORDERS}
    assert {customer.wait_for_end(order_id)["status"] for customer, order_id in orders} == {"confirmed"}
    assert shop.stock(product) == (STOCK - CLIENTS * ORDERS, 0, CLIENTS * ORDERS)
    ((sessions,),) = shop.rows(_SESSIONS)
    assert 0 < sessions <= SERVER_CONNECTIONS + 1  # one of them is this test's own pool
