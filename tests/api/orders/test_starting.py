"""Workflows are started in the background, with a time limit and a limit of concurrent starts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.orders import starting
from api.state import state_of
from services.bootstrap import Services
from tests.api.people import Person
from tests.api.shop import a_product, order
from tests.builders import an_order


@dataclass
class Starter:
    """The way to Temporal: open, closed, or silent."""

    closed: bool = False
    silent: bool = False
    started: dict[UUID, Mapping[str, Any]] = field(default_factory=dict)
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, order_id: UUID, start_input: Mapping[str, Any]) -> None:
        self.tried.set()
        if self.silent:
            await asyncio.Event().wait()
        if self.closed:
            raise ConnectionError("canary")
        self.started[order_id] = start_input

    async def resolve(self, order_id: UUID, step: str, action: str, reference: str, by: str) -> str:
        return action

    async def pollers(self) -> list[str]:
        return []


@pytest.fixture
def starter() -> Starter:
    return Starter()


@pytest.fixture
async def started_app(services: Services, starter: Starter) -> AsyncIterator[FastAPI]:
    # Its lifespan is the other app's: listening is not what this is about.
    app = create_app(services, starter)
    yield app
    await state_of(app).order_starts.close()


@pytest.fixture
async def client(started_app: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(started_app), base_url="http://market") as client:
        yield client


async def settled(app: FastAPI) -> bool | None:
    """How the last start went."""
    async with asyncio.timeout(5):
        while state_of(app).order_starts.succeeding is None:
            await asyncio.sleep(0.005)
    succeeding: bool | None = state_of(app).order_starts.succeeding
    return succeeding


async def test_a_new_order_is_started_with_its_stored_input(
    client: httpx2.AsyncClient, started_app: FastAPI, starter: Starter, services: Services, buyer: Person
) -> None:
    answer = await order(client, buyer, a_product(services), card="tok_succeeds")
    assert await settled(started_app)

    order_id = UUID(answer.json()["orderId"])
    assert starter.started == {order_id: services.orders.start_input(order_id)}
    assert starter.started[order_id]["order_id"] == str(order_id)
    assert (await client.get("/readyz")).json()["temporal"] == "ready"


async def test_F15_orders_are_accepted_while_temporal_is_down(
    client: httpx2.AsyncClient, started_app: FastAPI, starter: Starter, services: Services, buyer: Person
) -> None:
    starter.closed = True

    answer = await order(client, buyer, a_product(services))

    assert answer.status_code == 201
    assert await settled(started_app) is False
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")


async def test_a_start_times_out_after_a_second(
    client: httpx2.AsyncClient, started_app: FastAPI, starter: Starter, services: Services, buyer: Person
) -> None:
    starter.silent = True
    loop = asyncio.get_running_loop()

    answer = await order(client, buyer, a_product(services))
    await starter.tried.wait()
    began = loop.time()

    assert answer.status_code == 201
    assert await settled(started_app) is False
    assert 0.9 < loop.time() - began < 3


async def test_a_replay_starts_nothing(
    client: httpx2.AsyncClient, started_app: FastAPI, starter: Starter, services: Services, buyer: Person
) -> None:
    product_id, key = a_product(services), {"Idempotency-Key": "k-1"}
    await order(client, buyer, product_id, headers=key)
    await settled(started_app)
    starter.started.clear()
    starter.tried.clear()

    await order(client, buyer, product_id, headers=key)
    await state_of(started_app).order_starts.close()

    assert not starter.tried.is_set()


async def test_starts_beyond_the_limit_are_left_to_the_relay(
    services: Services, starter: Starter, buyer: Person
) -> None:
    starter.silent = True
    starts = starting.WorkflowStarts(starter)
    order_id = stored_order(services, buyer)

    for _ in range(starting.MAX_STARTS + 5):
        starts.begin(order_id, services.orders.start_input(order_id))

    assert starts.under_way == starting.MAX_STARTS
    await starts.close()
    assert starts.under_way == 0


def stored_order(services: Services, buyer: Person) -> UUID:
    return services.orders.place(an_order(buyer_id=buyer.id)).order.id
