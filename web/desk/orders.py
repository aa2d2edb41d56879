"""One order on the desk."""

from __future__ import annotations

import asyncio
import uuid

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiClient, ApiProblem
from web.desk.access import OperatorVisit
from web.desk.failures import message_problem, payment_failure
from web.desk.order_view import DeskOrder
from web.desk.overview import reasons_of
from web.desk.words import entry
from web.problems import Explained
from web.visit import Visit

router = APIRouter(prefix="/desk/orders")
#: Messages of one order that are shown; an order has at most a few for each of its events.
MESSAGES = 100


@router.get("/{order_id}")
async def order(visit: OperatorVisit, order_id: uuid.UUID, done: str = "") -> Response:
    """Everything about an order; `done` names what the operator has just done."""
    return await order_page(visit, order_id, done=done)


async def read_order(api: ApiClient, order_id: uuid.UUID) -> DeskOrder:
    """The order with what the provider and the goods say, and its timeline. Raises ApiProblem, ApiUnavailable."""
    parts = (f"/orders/{order_id}{part}" for part in ("", "/comparison", "/events"))
    data, comparison, events = await asyncio.gather(*(api.get(part) for part in parts))
    return DeskOrder(data, comparison, events["items"])


async def order_page(
    visit: Visit, order_id: uuid.UUID, *, done: str = "", problem: ApiProblem | Explained | None = None
) -> Response:
    """The page of an order, with what was wrong with the last action, if anything was."""
    api = await visit.api()
    seen, messages = await asyncio.gather(
        read_order(api, order_id),
        api.get("/notifications", orderId=str(order_id), limit=MESSAGES),
    )
    explained = problems.explain(problem, visit.texts) if isinstance(problem, ApiProblem) else problem
    return visit.page(
        "desk/order.html",
        _status(problem),
        order=seen,
        reasons=reasons_of(dict(seen.data), visit.texts),
        timeline=[entry(event, visit.texts) for event in seen.events],
        failures={each["paymentId"]: payment_failure(each["failureCode"], visit.texts) for each in seen.payments},
        messages=[
            {**each, "problem": message_problem(each["errorMessage"], visit.texts)} for each in messages["items"]
        ],
        links=seen.links(visit.tools.settings),
        # Of this rendered form: sent twice, it acts once.
        key=str(uuid.uuid4()),
        problem=explained,
        done=done,
    )


def _status(problem: ApiProblem | Explained | None) -> int:
    if problem is None:
        return 200
    if isinstance(problem, ApiProblem):
        return problem.status
    return 409 if problem.slug == "invalid-transition" else 422
