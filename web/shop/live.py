"""The live status of an order: the API's event stream, passed on to the visitor's own page."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx2
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from web.api_client import ApiClient
from web.dependencies import CurrentVisit

router = APIRouter()


@router.get("/orders/{order_id}/live")
async def live(visit: CurrentVisit, order_id: uuid.UUID) -> Response:
    """Events of the order as they happen; a browser that reconnects continues after the last one that it has seen."""
    api = await visit.api(required=True)
    await api.get(f"/orders/{order_id}")  # its refusal is a page, not a broken stream
    seen = visit.request.headers.get("last-event-id", "")
    return StreamingResponse(_events(api, order_id, seen), media_type="text/event-stream")


async def _events(api: ApiClient, order_id: uuid.UUID, seen: str) -> AsyncIterator[bytes]:
    headers = {"Accept": "text/event-stream", **({"Last-Event-ID": seen} if seen.isdigit() else {})}
    try:
        async with api.stream(f"/orders/{order_id}/events", headers) as stream:
            if stream.is_success:
                async for chunk in stream.aiter_raw():
                    yield chunk
    except httpx2.HTTPError:
        return  # the browser reconnects by itself
