"""POST to the steps of an order, also while something else happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import httpx2
from fastapi import FastAPI

from api.state import state_of
from tests.api.people import Person
from tests.api.shop import ORDERS


class Steps:
    """POST to the steps of one order."""

    def __init__(self, api: httpx2.AsyncClient, caller: Person, order_id: UUID) -> None:
        self._api, self._caller, self._order_id = api, caller, order_id

    async def __call__(self, step: str, *, wait: int | None = 0, body: Any = None) -> httpx2.Response:
        headers = {**self._caller.headers, **({"Prefer": f"wait={wait}"} if wait is not None else {})}
        path = f"{ORDERS}/{self._order_id}/{step}"
        return await self._api.post(path, headers=headers, **({"json": body} if body is not None else {}))


async def meanwhile(app: FastAPI, asked: Any, happen: Callable[[], object]) -> tuple[httpx2.Response, float]:
    """The answer of a request, once it waits and then something happens; and the seconds from that."""
    request = asyncio.create_task(asked)
    async with asyncio.timeout(5):
        while state_of(app).long_polling.listeners == 0 and not request.done():
            await asyncio.sleep(0.005)
    began = time.monotonic()
    await asyncio.to_thread(happen)
    return await request, time.monotonic() - began


def slug(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")
