"""Reading streams of server-sent events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2

from tests.api.people import Person
from tests.api.serving import Served
from tests.api.shop import ORDERS


@dataclass
class Frame:
    name: str | None = None
    id: int | None = None
    data: Any = None


async def frames(response: httpx2.Response) -> AsyncIterator[Frame]:
    frame = Frame()
    async for line in response.aiter_lines():
        field, _, value = line.partition(": ")
        if not line:
            if frame.data is not None:
                yield frame
            frame = Frame()
        elif field == "event":
            frame.name = value
        elif field == "id":
            frame.id = int(value)
        elif field == "data":
            frame.data = json.loads(value)


@asynccontextmanager
async def stream(
    served: Served, buyer: Person, order_id: UUID, last: int | None = None
) -> AsyncIterator[httpx2.Response]:
    headers = {**buyer.headers, "Accept": "text/event-stream"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    async with served.client.stream("GET", f"{ORDERS}/{order_id}/events", headers=headers) as response:
        yield response
