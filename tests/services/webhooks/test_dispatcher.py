"""Deliveries over real HTTP: retries, pauses, disabled endpoints, and what is in flight when a process ends."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from standardwebhooks import Webhook

from services.db import Database, connect
from services.webhooks import repository
from services.webhooks.dispatcher import PER_ENDPOINT, WebhookDispatcher
from services.webhooks.retry_policy import DELAYS
from services.webhooks.status import DeliveryStatus, DisabledReason
from tests.services.webhooks.conftest import Shop
from tests.services.webhooks.receiver import Received, cut, drip, hang, receiving, status

DONE, FAILED, WAITING = DeliveryStatus.DELIVERED, DeliveryStatus.FAILED, DeliveryStatus.WAITING
HOUR = 3600


async def sent(dispatcher: WebhookDispatcher) -> int:
    """Send what is due at this moment, to the end; returns how many messages were sent."""
    in_flight, count = dispatcher.in_flight(), 0
    while started := await in_flight.start_due():
        count += started
        await in_flight.finish()
    return count


def verified(secret: str, received: Received) -> dict[str, object]:
    """What the official library reads, with the clock of the sender."""
    message: dict[str, object] = Webhook(secret).verify(received.body, received.headers)
    return message


async def test_a_message_is_delivered_once_signed_as_the_specification_says(shop: Shop) -> None:
    async with receiving(status(204)) as receiver:
        secret = shop.endpoints.add(receiver.url).secret or ""
        (order_id,) = shop.queue()
        assert [await sent(shop.dispatcher()), await sent(shop.dispatcher())] == [1, 0]
    (received,) = receiver.received
    message = verified(secret, received)
    assert message["type"] == "order.paid"
    assert json.loads(received.body)["data"]["orderId"] == str(order_id)
    delivery, attempts = shop.only()
    assert (delivery.status, delivery.attempts, delivery.message_id) == (DONE, 1, received.id)
    assert [(each.number, each.status, each.error) for each in attempts] == [(1, 204, None)]


async def test_a_rotated_secret_and_the_one_before_sign_until_the_overlap_ends(shop: Shop) -> None:
    async with receiving() as receiver:
        added = shop.endpoints.add(receiver.url)
        new = shop.endpoints.rotate(added.endpoint.id, overlap_hours=1).secret or ""
        shop.queue()
        await sent(shop.dispatcher())
        assert verified(added.secret or "", receiver.received[0]) == verified(new, receiver.received[0])
        shop.clock.move(seconds=HOUR + 1)
        shop.queue()
        await sent(shop.dispatcher())
        assert receiver.received[1].headers["webhook-signature"].count("v1,") == 1
        verified(new, receiver.received[1])


async def test_a_failure_is_retried_with_the_same_id_and_body(shop: Shop) -> None:
    async with receiving(status(500), cut, status(200)) as receiver:
        shop.add(receiver.url)
        shop.queue()
        for delay in (0, *DELAYS[:2]):
            if delay:
                shop.clock.move(seconds=delay - 1)
                assert await sent(shop.dispatcher()) == 0
                shop.clock.move(seconds=1)
            assert await sent(shop.dispatcher()) == 1
        assert len({(each.id, each.body) for each in receiver.received}) == 1
        assert len(receiver.received) == 3
    delivery, attempts = shop.only()
    assert (delivery.status, delivery.last_status, delivery.last_error) == (DONE, 200, None)
    assert [each.status for each in attempts] == [500, None, 200]


async def test_a_message_fails_after_the_whole_schedule(shop: Shop) -> None:
    async with receiving(status(404)) as receiver:
        shop.add(receiver.url)
        shop.queue()
        for delay in (0, *DELAYS):
            shop.clock.move(seconds=delay)
            assert await sent(shop.dispatcher()) == 1
        assert sum(DELAYS) > 72 * HOUR
        delivery, attempts = shop.only()
        assert (delivery.status, len(attempts), delivery.last_error) == (FAILED, len(DELAYS) + 1, "HTTP 404")
        shop.clock.move(seconds=100 * HOUR)
        assert await sent(shop.dispatcher()) == 0


async def test_F92_an_endpoint_that_fails_for_three_days_is_disabled_and_its_messages_can_be_sent_again(
    shop: Shop,
) -> None:
    async with receiving(status(500)) as receiver:
        endpoint_id, start = shop.add(receiver.url), shop.clock.at
        shop.queue()
        for delay in (0, *DELAYS):
            shop.clock.move(seconds=delay)
            await sent(shop.dispatcher())
        assert shop.endpoints.get(endpoint_id).disabled_reason is DisabledReason.FAILING
        shop.queue(2)
        assert await sent(shop.dispatcher()) == 0
        assert len(shop.deliveries(status=DeliveryStatus.SKIPPED)) == 2
        receiver.answers[:] = [status(204)]
        shop.endpoints.change(endpoint_id, enabled=True)
        assert shop.service.redeliver_failed(endpoint_id, start) == 3
        assert await sent(shop.dispatcher()) == 3
    assert {each.status for each in shop.deliveries()} == {DONE}
    assert shop.endpoints.get(endpoint_id).failing_since is None


async def test_nothing_waits_for_an_endpoint_that_was_disabled_while_its_messages_were_sent_again(shop: Shop) -> None:
    """It would wait for good, and keep its order from being archived."""
    async with receiving(status(410)) as receiver:
        endpoint_id, start = shop.add(receiver.url), shop.clock.at
        shop.queue(2)
        await sent(shop.dispatcher())
    assert shop.endpoints.get(endpoint_id).disabled_reason is DisabledReason.GONE
    assert repository.send_failed_again(shop.database, endpoint_id, start) == 0
    assert shop.deliveries(status=WAITING) == []


async def test_410_disables_the_endpoint_at_once(shop: Shop) -> None:
    async with receiving(status(410)) as receiver:
        endpoint_id = shop.add(receiver.url)
        shop.queue()
        await sent(shop.dispatcher())
        shop.queue()
        assert await sent(shop.dispatcher()) == 0
    assert shop.endpoints.get(endpoint_id).disabled_reason is DisabledReason.GONE
    assert len(receiver.received) == 1


@pytest.mark.parametrize(("given", "waits"), [("120", 120), ("999999999", HOUR), ("nonsense", 5), ("-1", 5)])
async def test_retry_after_is_honoured_within_bounds(shop: Shop, given: str, waits: int) -> None:
    async with receiving(status(503, f"Retry-After: {given}"), status(204)) as receiver:
        shop.add(receiver.url)
        shop.queue()
        await sent(shop.dispatcher())
        shop.clock.move(seconds=waits - 1)
        assert await sent(shop.dispatcher()) == 0
        shop.clock.move(seconds=2)
        assert await sent(shop.dispatcher()) == 1


async def test_an_overloaded_endpoint_gets_no_other_message_until_its_pause_ends(shop: Shop) -> None:
    async with receiving(status(429, "Retry-After: 60"), status(204)) as receiver:
        shop.add(receiver.url)
        shop.queue()
        await sent(shop.dispatcher())
        shop.queue(3)
        assert await sent(shop.dispatcher()) == 0
        shop.clock.move(seconds=61)
        assert await sent(shop.dispatcher()) == 4


async def test_T228_a_slow_endpoint_delays_no_other_and_gets_few_messages_at_once(shop: Shop) -> None:
    async with receiving(hang) as slow, receiving(drip) as dripping, receiving() as fast:
        for receiver in (slow, dripping, fast):
            shop.add(receiver.url)
        shop.queue(20)
        started = time.monotonic()
        in_flight = shop.dispatcher(within=5).in_flight()
        while len(fast.received) < 20:
            await in_flight.start_due()
            await asyncio.sleep(0.01)
        assert time.monotonic() - started < 4
        assert (slow.most_at_once, dripping.most_at_once) == (PER_ENDPOINT, PER_ENDPOINT)
        finishing = asyncio.create_task(in_flight.finish())
        finishing.cancel()
        await asyncio.wait([finishing])


async def test_F90_a_process_that_dies_before_it_has_the_answer_sends_the_message_again_with_its_id(shop: Shop) -> None:
    """The receiver has the message; the process ends before the result is written."""
    async with receiving(hang, status(204)) as receiver:
        shop.add(receiver.url)
        shop.queue()
        in_flight = shop.dispatcher(within=30).in_flight()
        await in_flight.start_due()
        await receiver.has(1)
        dying = asyncio.create_task(in_flight.finish())
        await asyncio.sleep(0)
        dying.cancel()
        await asyncio.wait([dying])
        assert await sent(shop.dispatcher()) == 0
        shop.clock.move(seconds=61)
        assert await sent(shop.dispatcher()) == 1
    first, second = receiver.received
    assert (first.id, first.body) == (second.id, second.body)
    assert shop.only()[0].status is DONE


async def test_F91_the_database_is_away_when_the_answer_is_there(shop: Shop, database_url: str) -> None:
    """Taken by the receiver, but not written: sent again after the lease, with the same id."""
    lost: Database = connect(database_url)

    async def answer_and_cut_off(writer: asyncio.StreamWriter) -> None:
        lost.close()
        await status(204)(writer)

    async with receiving(answer_and_cut_off, status(204)) as receiver:
        shop.add(receiver.url)
        shop.queue()
        assert await sent_until_lost(shop.dispatcher(lost.with_clock(shop.clock), lease=0.1)) == 1
        shop.clock.move(seconds=61)
        assert await sent(shop.dispatcher()) == 1
    assert len({each.id for each in receiver.received}) == 1
    assert shop.only()[0].attempts == 1


async def sent_until_lost(dispatcher: WebhookDispatcher) -> int:
    in_flight = dispatcher.in_flight()
    count = await in_flight.start_due()
    await in_flight.finish()
    return count


async def test_two_dispatchers_never_hold_the_same_message(shop: Shop) -> None:
    async with receiving() as receiver:
        shop.add(receiver.url)
        shop.queue(12)
        counts = await asyncio.gather(*(sent(shop.dispatcher()) for _ in range(3)))
    assert (sum(counts), len({each.id for each in receiver.received}), len(receiver.received)) == (12, 12, 12)
