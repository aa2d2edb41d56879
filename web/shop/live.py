"""The live status of an order: the API's event stream, passed on to the visitor's own page."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx2
from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from web.api_client import ApiClient
from web.dependencies import CurrentVisit
from web.visit import Visit

router = APIRouter()
#: Streams at once: half of the connections to the API, whose other half serves the pages.
MOST_STREAMS = 500
#: In place of a stream: the page loads its part, and asks again after half a minute.
_LATER = b"retry: 30000\nevent: state\ndata: {}\n\n"


@router.get("/orders/{order_id}/live")
async def live(visit: CurrentVisit, order_id: uuid.UUID) -> Response:
    """Events of the order as they happen; a browser that reconnects continues after the last one that it has seen."""
    api = await visit.api(required=True)
    await api.get(f"/orders/{order_id}")  # its refusal is a page, not a broken stream
    seen = visit.request.headers.get("last-event-id", "")
    events = _events(visit, api, order_id, seen)
    # With its cookies: a browser reconnects when the access token ends, and the session may have been renewed here.
    return visit.with_cookies(StreamingResponse(events, media_type="text/event-stream"))


async def _events(visit: Visit, api: ApiClient, order_id: uuid.UUID, seen: str) -> AsyncIterator[bytes]:
    streams = visit.tools.streams
    if len(streams) >= MOST_STREAMS:
        yield _LATER
        return
    headers = {"Accept": "text/event-stream"}
    if seen.isascii() and seen.isdigit():
        headers["Last-Event-ID"] = seen
    streams.add(visit)
    try:
        async with api.stream(f"/orders/{order_id}/events", headers) as stream:
            if stream.is_success:
                async for chunk in stream.aiter_raw():
                    yield chunk
    except httpx2.HTTPError:
        return  # the browser reconnects by itself
    finally:
        streams.discard(visit)
