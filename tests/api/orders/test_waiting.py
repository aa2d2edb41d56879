"""Long polling: which notifications wake a request, and how often it reads the order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from api.orders.snapshot import passing_events
from api.orders.waiting import LongPolling
from services.bootstrap import Services
from services.clock import new_id
from services.orders.views import OrderView
from services.pg_notify import PgListener
from tests.builders import an_order

ORDER, OTHER = new_id(), new_id()


class Listener(PgListener):
    """A listener without a connection: the test sends the notifications."""

    def __init__(self) -> None:
        super().__init__("")
        self.notify: Callable[[str], None] = lambda _: None

    def subscribe(self, channel: str, wake: Callable[[str], None]) -> Callable[[], None]:
        self.notify = wake
        return lambda: None


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
async def polling(listener: Listener) -> AsyncIterator[LongPolling]:
    opened = LongPolling(listener)
    opened.open()
    yield opened
    opened.close()


async def test_the_start_is_given_once_notifications_are_received(polling: LongPolling, listener: Listener) -> None:
    looks: list[int] = []

    def look() -> str:
        looks.append(polling.listeners)
        return "confirmed"

    def begin() -> None:
        assert polling.listeners == 1
        assert looks == []
        listener.notify(f"{ORDER} confirmed")

    assert await polling.until(ORDER, look, lambda seen: seen == "confirmed", 5, begin=begin) == "confirmed"
    assert looks == [1]


async def test_passing_events_and_those_of_other_orders_are_not_looked_at(
    polling: LongPolling, listener: Listener
) -> None:
    looks: list[str] = []

    def begin() -> None:
        for event in (f"{ORDER} reserved", f"{OTHER} confirmed", f"{ORDER} paid"):
            listener.notify(event)
        asyncio.get_running_loop().call_later(0.2, listener.notify, f"{ORDER} confirmed")

    def look() -> str:
        looks.append("look")
        return "done"

    began = asyncio.get_running_loop().time()
    await polling.until(ORDER, look, lambda _: True, 5, begin=begin, passing=frozenset({"reserved", "paid"}))
    assert looks == ["look"]
    assert asyncio.get_running_loop().time() - began > 0.15


async def test_a_lost_connection_wakes_every_request(polling: LongPolling, listener: Listener) -> None:
    waits = [
        asyncio.create_task(
            polling.until(order_id, lambda: True, bool, 5, begin=lambda: None, passing=frozenset({"reserved"}))
        )
        for order_id in (ORDER, OTHER)
    ]
    while polling.listeners < 2:
        await asyncio.sleep(0.005)
    listener.notify("")
    async with asyncio.timeout(2):
        assert await asyncio.gather(*waits) == [True, True]


async def test_a_request_looks_once_more_when_its_time_is_over(polling: LongPolling) -> None:
    looks: list[bool] = []

    def look() -> bool:
        looks.append(False)
        return False

    assert not await polling.until(ORDER, look, bool, 0.05, begin=lambda: None)
    assert len(looks) >= 1


@pytest.mark.parametrize(("card", "idle"), [("tok_succeeds", False), (None, True)])
def test_an_order_without_a_payment_method_is_idle_once_it_is_reserved(
    card: str | None, idle: bool, placed_order: Callable[..., OrderView]
) -> None:
    assert ("reserved" not in passing_events(placed_order(card))) == idle


@pytest.fixture
def placed_order(services: Services) -> Callable[..., OrderView]:
    return lambda card: services.orders.place(an_order(card=card)).order
