"""One search box: number or id of an order, id of a payment, e-mail address or phone number of a buyer."""

from __future__ import annotations

import re
import uuid
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.api_client import ApiClient, ApiProblem
from web.desk.access import OperatorVisit

router = APIRouter(prefix="/desk")
#: Orders of a buyer on one page.
PAGE = 50
_PHONE = re.compile(r"\+?[\d\s().-]{10,25}")
_PAYMENT = re.compile(r"[0-9A-Za-z_-]{1,80}")
#: Nothing was found, or the API does not accept the value as this kind of name.
_NOT_THIS = (404, 422)


@router.post("/search")
async def search(visit: OperatorVisit) -> Response:
    """The order, or the orders, of what was typed. A form, so that no address and no number stands in a URL."""
    typed = (await visit.form()).get("q", "").strip()[:300]
    api = await visit.api()
    account = await find_account(api, typed)
    orders = await _of_buyer(api, account["id"]) if account else await find_orders(api, typed)
    if not account and len(orders["items"]) == 1:
        return visit.redirect(f"/desk/orders/{orders['items'][0]['id']}")
    status = 200 if account or orders["items"] else 404
    return visit.page("desk/found.html", status, typed=typed, account=account, orders=orders)


@router.get("/buyers/{buyer_id}")
async def buyer(visit: OperatorVisit, buyer_id: uuid.UUID, cursor: str = "") -> Response:
    """All orders of a buyer, newest first."""
    orders = await _of_buyer(await visit.api(), str(buyer_id), cursor)
    return visit.page("desk/found.html", typed="", account=None, orders=orders)


async def find_account(api: ApiClient, typed: str) -> dict[str, Any] | None:
    """The account with this e-mail address or phone number. Raises ApiProblem, ApiUnavailable."""
    if "@" in typed:
        return await _found(api, "/users", email=typed)
    return await _found(api, "/users", phone=typed) if _PHONE.fullmatch(typed) else None


async def find_orders(api: ApiClient, typed: str) -> dict[str, Any]:
    """A page of the orders with this number, id or payment. Raises ApiProblem, ApiUnavailable."""
    if "@" in typed:
        return _page()
    if _is_id(typed) and (order := await _found(api, f"/orders/{typed.lower()}")):
        return _page(order)
    numbered = await _found(api, "/orders", number=typed, limit=PAGE) if typed else None
    if numbered and numbered["items"]:
        return numbered
    paid = await _found(api, "/orders", paymentId=typed, limit=PAGE) if _PAYMENT.fullmatch(typed) else None
    return paid or _page()


async def _found(api: ApiClient, path: str, **query: str | int) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = await api.get(path, **query)
    except ApiProblem as problem:
        if problem.status in _NOT_THIS:
            return None
        raise
    return found


async def _of_buyer(api: ApiClient, buyer_id: str, cursor: str = "") -> dict[str, Any]:
    found: dict[str, Any] = await api.get("/orders", buyerId=buyer_id, limit=PAGE, cursor=cursor)
    return {**found, "buyerId": buyer_id}


def _page(*orders: dict[str, Any]) -> dict[str, Any]:
    return {"items": list(orders), "nextCursor": None}


def _is_id(typed: str) -> bool:
    try:
        return str(uuid.UUID(typed)) == typed.lower()
    except ValueError:
        return False
