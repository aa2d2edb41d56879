"""Resolves a stuck step of an order."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, Orders
from api.orders.request_schemas import ResolveOrder
from api.orders.schemas import ResolveOrderResult
from api.orders.starting import Starter
from api.requests.fields import OrderId
from services.errors import Unavailable
from services.orders.status import UndoStep

router = OperationRouter(prefix="/orders", tags=["Orders"])


@router.post(
    "/{orderId}/resolve",
    operation_id="resolveOrder",
    summary="Resolve a stuck step of an order",
)
async def resolve_order(
    order_id: OrderId, caller: CurrentCaller, orders: Orders, starter: Starter, body: ResolveOrder
) -> ResolveOrderResult:
    """For an order that needs attention: retry the step, mark it as done by hand, or write it off."""
    stuck = (await run_in_threadpool(orders.get, order_id)).require_stuck(body.step)
    if starter is None:
        raise Unavailable("The order workflow cannot be reached. Try again.", retry_after=5)
    await starter.resolve(order_id, stuck, body.action, body.reference or body.reason or "", caller.identity)
    return ResolveOrderResult(order_id=order_id, step=UndoStep.of(stuck), action=body.action)
