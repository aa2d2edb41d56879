"""Webhooks of a payment gateway: deduplicated, verified, and refused when they match no payment."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from services.bootstrap import Services
from services.clock import new_id
from tests.api.people import Person
from tests.api.shop import pay, placed, reserve

PATH = "/api/v1/payments/webhooks/fake"


@pytest.fixture
async def stranger(app: FastAPI, services: Services) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app, client=("203.0.113.7", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://market") as client:
        yield client


def commands(services: Services, order_id: UUID) -> list[dict[str, str]]:
    """Arguments of the signals about payments on their way to the order's workflow."""
    with services.database.transaction() as tx:
        found = "SELECT arguments FROM orders.outbox WHERE order_id = %(id)s AND name = 'payment_updated' ORDER BY id"
        return list(tx.fetch_column(found, {"id": order_id}))


def message(payment_id: object, webhook_id: str = "w-1") -> bytes:
    return json.dumps({"id": webhook_id, "payment": f"p-{payment_id}"}).encode()


async def test_T97_the_same_message_again_has_one_effect(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_pending")
    reserve(services, order_id)
    payment = pay(services, order_id)

    answers = [await api.post(PATH, content=message(payment.id)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert commands(services, order_id) == [{"payment_id": str(payment.id)}]


async def test_T101_an_unknown_payment_of_ours_is_sent_again(api: httpx2.AsyncClient, services: Services) -> None:
    unknown = {"id": "w-1", "payment": "p-unknown", "reference": str(new_id())}
    assert (await api.post(PATH, content=json.dumps(unknown).encode())).status_code == 404


async def test_a_payment_of_another_system_is_ignored(api: httpx2.AsyncClient, services: Services) -> None:
    answer = await api.post(PATH, content=message("nobody"))
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})


async def test_T102_a_token_is_no_signature(
    api: httpx2.AsyncClient, stranger: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_pending")
    reserve(services, order_id)
    payment = pay(services, order_id)
    forwarded = {**buyer.headers, "X-Forwarded-For": "127.0.0.1"}

    answer = await stranger.post(PATH, content=message(payment.id), headers=forwarded)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/invalid-signature")
    assert commands(services, order_id) == []


async def test_another_gateway(api: httpx2.AsyncClient, services: Services) -> None:
    statuses = [
        (await api.post(f"/api/v1/payments/webhooks/{name}")).status_code for name in ("stripe", "ME", "x" * 33)
    ]

    assert statuses == [404, 422, 422]


async def test_T104_a_message_of_a_mebibyte(api: httpx2.AsyncClient, services: Services) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1024):
            yield b" " * 1024

    assert (await api.post(PATH, content=b" " * 1024 * 1024)).status_code == 413
    assert (await api.post(PATH, content=chunks())).status_code == 413
