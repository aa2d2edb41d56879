"""The first page of the desk: what waits, which orders need an operator, and whether every part works."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.api_client import ApiClient
from web.desk.access import OperatorVisit
from web.desk.health import sentences
from web.desk.words import failure_text, reason_text
from web.languages import Texts

router = APIRouter(prefix="/desk")
#: Orders that need an operator on one page; each is read on its own.
SHOWN = 20


@router.get("")
async def desk(visit: OperatorVisit) -> Response:
    """Four numbers, the orders that need an operator, and the health of the shop."""
    api = await visit.api()
    overview, attention = await asyncio.gather(api.get("/operations/overview"), _attention(api, visit.texts))
    return visit.page("desk/desk.html", overview=overview, attention=attention, health=sentences(overview, visit.texts))


async def _attention(api: ApiClient, texts: Texts) -> list[dict[str, Any]]:
    """The orders that need an operator, each with its reasons in words."""
    found = await api.get("/orders", needsAttention=True, limit=SHOWN)
    orders = await asyncio.gather(*(api.get(f"/orders/{each['id']}") for each in found["items"]))
    return [{"order": order, "reasons": reasons_of(order, texts)} for order in orders]


def reasons_of(order: dict[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Why an order needs an operator: in words, with the last failure and the next try."""
    return [
        {
            **each,
            "text": reason_text(each["reason"], texts),
            "failure": failure_text(each["detail"], texts),
        }
        for each in order.get("attention") or ()
    ]
