"""The first page of the desk: what waits, which orders need an operator, and whether every part works."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.desk.access import OperatorVisit
from web.desk.failures import refund_failure
from web.desk.health import sentences
from web.desk.words import advice_text, next_try_text, reason_text
from web.languages import Texts

router = APIRouter(prefix="/desk")
#: Orders that need an operator on one page: as many as the overview has.
SHOWN = 20


@router.get("")
async def desk(visit: OperatorVisit) -> Response:
    """Four numbers, the orders that need an operator, and the health of the shop."""
    api = await visit.api()
    overview, found = await asyncio.gather(
        api.get("/operations/overview"), api.get("/orders", needsAttention=True, limit=SHOWN)
    )
    attention = _attention(overview, found["items"], visit.texts)
    return visit.page("desk/desk.html", overview=overview, attention=attention, health=sentences(overview, visit.texts))


def _attention(overview: dict[str, Any], orders: list[dict[str, Any]], texts: Texts) -> list[dict[str, Any]]:
    """The orders that need an operator, each with its reasons in words."""
    by_id = {each["id"]: each for each in orders}
    return [
        {"order": order, "reasons": reasons_of(each, texts)}
        for each in overview["attention"]
        if (order := by_id.get(each["orderId"]))
    ]


def reasons_of(order: dict[str, Any], texts: Texts) -> list[dict[str, Any]]:
    """Why an order needs an operator: in words, with the last failure, the next try, and what to do."""
    return [
        {
            **each,
            "text": reason_text(each["reason"], texts),
            "failure": refund_failure(each["detail"], texts),
            "no_next_try": next_try_text(each["reason"], texts),
            "advice": advice_text(each["reason"], texts),
        }
        for each in order.get("attention") or ()
    ]
