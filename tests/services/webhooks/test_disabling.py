"""An endpoint is disabled or enabled as messages are queued or sent again, on two connections (F84)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from services.clock import new_id
from services.db import Database, Transaction
from services.webhooks import endpoints_repository, repository
from services.webhooks.status import DeliveryStatus, DisabledReason
from tests.journeys.waiting import until
from tests.services.webhooks.builders import an_event
from tests.services.webhooks.conftest import Shop

URL = "http://127.0.0.1:9999/hooks"
WAITING, SKIPPED = DeliveryStatus.WAITING, DeliveryStatus.SKIPPED
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_BLOCKED = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"

Change = Callable[[Shop, Transaction], object]


def queue(shop: Shop, tx: Transaction) -> object:
    return shop.service.queue([an_event(new_id())], tx)


def send_again(shop: Shop, tx: Transaction) -> object:
    (endpoint,) = shop.endpoints.after()
    return repository.send_failed_again(tx, endpoint.id, LONG_AGO)


def disable(shop: Shop, tx: Transaction) -> object:
    (endpoint,) = shop.endpoints.after()
    return endpoints_repository.disable(tx, endpoint.id, DisabledReason.OPERATOR)


def enable(shop: Shop, tx: Transaction) -> object:
    (endpoint,) = shop.endpoints.after()
    return endpoints_repository.enable(tx, endpoint.id)


@pytest.mark.parametrize("sending", [queue, send_again])
@pytest.mark.parametrize("sending_is_first", [True, False])
def test_F84_nothing_waits_for_an_endpoint_that_is_disabled_meanwhile(
    shop: Shop, sending: Change, sending_is_first: bool
) -> None:
    """It would wait for ever, or until the endpoint is enabled again."""
    endpoint_id = shop.add(URL)
    shop.queue()
    shop.database.execute("UPDATE webhooks.deliveries SET status = 'failed'")
    both = (sending, disable) if sending_is_first else (disable, sending)
    at_the_same_time(shop, *both)
    assert shop.endpoints.get(endpoint_id).disabled_reason is DisabledReason.OPERATOR
    assert shop.deliveries(status=WAITING) == []


@pytest.mark.parametrize("queueing_is_first", [True, False])
def test_a_message_is_queued_for_an_endpoint_as_it_is_then(shop: Shop, queueing_is_first: bool) -> None:
    endpoint_id = shop.add(URL)
    shop.endpoints.change(endpoint_id, enabled=False)
    both = (queue, enable) if queueing_is_first else (enable, queue)
    at_the_same_time(shop, *both)
    assert [each.status for each in shop.deliveries()] == [SKIPPED if queueing_is_first else WAITING]


def at_the_same_time(shop: Shop, first: Change, second: Change) -> None:
    """The second change begins when the first one has done everything but its commit."""
    with ThreadPoolExecutor(1) as pool, shop.database.transaction() as tx:
        first(shop, tx)
        later: Future[object] = pool.submit(committed, shop.database, shop, second)
        until(lambda: later.done() or shop.database.fetch_value(_BLOCKED))
    later.result()


def committed(database: Database, shop: Shop, change: Change) -> object:
    return database.run_in_transaction(lambda tx: change(shop, tx))
