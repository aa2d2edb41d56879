"""A buyer's orders: the history, one order, and what can be done with it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiProblem
from web.dependencies import CurrentVisit
from web.shop.order_view import OrderView
from web.shop.payment_methods import TestMethods, chosen_method, test_methods
from web.shop.sandbox_view import sandbox_view
from web.visit import Visit

router = APIRouter()
STATUSES = ("created", "reserved", "payment_pending", "paid", "confirmed", "cancelling", "cancelled")
PAGE = 20


@router.get("/orders")
async def history(visit: CurrentVisit, status: str = "", cursor: str = "") -> Response:
    """The visitor's orders, newest first."""
    api = await visit.api(required=True)
    wanted = status if status in STATUSES else ""
    found = await api.get("/orders/me", status=wanted, cursor=cursor, limit=PAGE)
    return visit.page(
        "orders.html", orders=found["items"], next_cursor=found["nextCursor"], status=wanted, statuses=STATUSES
    )


@router.get("/orders/{order_id}")
async def order(visit: CurrentVisit, order_id: uuid.UUID) -> Response:
    """One order."""
    return await _page(visit, order_id)


@router.get("/orders/{order_id}/part")
async def part(visit: CurrentVisit, order_id: uuid.UUID) -> Response:
    """The part of the order's page that changes."""
    return visit.page("order_part.html", **await _values(visit, order_id))


@router.post("/orders/{order_id}/cancel")
async def cancel(visit: CurrentVisit, order_id: uuid.UUID) -> Response:
    """Cancel the order."""
    return await _act(visit, order_id, "cancel", {})


@router.post("/orders/{order_id}/pay")
async def pay(visit: CurrentVisit, order_id: uuid.UUID) -> Response:
    """Pay, or pay in another way."""
    return await _act(visit, order_id, "pay", chosen_method(await visit.form()))


async def _act(visit: Visit, order_id: uuid.UUID, step: str, body: dict[str, str]) -> Response:
    api = await visit.api(required=True)
    try:
        await api.post(f"/orders/{order_id}/{step}", body)
    except ApiProblem as problem:
        if problem.status not in (409, 422, 429):
            raise
        return await _page(visit, order_id, problem)
    return visit.redirect(f"/orders/{order_id}")


async def _page(visit: Visit, order_id: uuid.UUID, problem: ApiProblem | None = None) -> Response:
    values = await _values(visit, order_id)
    explained = problems.explain(problem, visit.texts) if problem else None
    return visit.page("order.html", problem.status if problem else 200, **values, problem=explained)


async def _values(visit: Visit, order_id: uuid.UUID) -> dict[str, Any]:
    api = await visit.api(required=True)
    found, events = await asyncio.gather(api.get(f"/orders/{order_id}"), api.get(f"/orders/{order_id}/events"))
    seen = OrderView(found, (events or {"items": []})["items"])
    payable = seen.can_pay
    return {
        "order": seen,
        "methods": await test_methods(visit.tools.sandbox) if payable else TestMethods(),
        "sandbox": await sandbox_view(visit.tools.sandbox, visit.tools.settings, seen),
    }
