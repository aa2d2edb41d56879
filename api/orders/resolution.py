"""Resolves a stuck step of an order."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.dependencies import Orders
from api.orders.request_schemas import ResolveOrder
from api.orders.schemas import ResolveOrderResult
from api.orders.starting import Starter
from api.requests.fields import OrderId
from services.errors import InvalidTransition, Unavailable
from services.orders.status import UndoStep

router = OperationRouter(prefix="/orders", tags=["Orders"])


@router.post(
    "/{orderId}/resolve",
    operation_id="resolveOrder",
    summary="Resolve a stuck step of an order",
)
async def resolve_order(order_id: OrderId, orders: Orders, starter: Starter, body: ResolveOrder) -> ResolveOrderResult:
    """For an order that needs attention: retry the step, mark it as done by hand, or write it off."""
    order = await run_in_threadpool(orders.get, order_id)
    stuck = order.stuck_reason(body.step)
    if stuck is None:
        raise InvalidTransition("No step of this order is stuck.")
    if starter is None:
        raise Unavailable("The order workflow cannot be reached. Try again.", retry_after=5)
    await starter.resolve(order_id, stuck, body.action, body.reference or "")
    return ResolveOrderResult(order_id=order_id, step=UndoStep.of(stuck), action=body.action)
