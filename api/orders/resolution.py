"""Resolves what an order needs attention for."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentCaller, Orders
from api.orders.request_schemas import ResolveOrder
from api.orders.retrying import CurrentRetries
from api.orders.schemas import ResolveOrderResult
from api.orders.starting import Starter
from api.requests.fields import OrderId
from services.errors import Unavailable
from services.orders.status import RECOVERED, ResolveStep

router = OperationRouter(prefix="/orders", tags=["Orders"])


@router.post(
    "/{orderId}/resolve",
    operation_id="resolveOrder",
    summary="Resolve a stuck step of an order",
)
async def resolve_order(
    order_id: OrderId,
    caller: CurrentCaller,
    orders: Orders,
    starter: Starter,
    retries: CurrentRetries,
    body: ResolveOrder,
) -> ResolveOrderResult:
    """For an order that needs attention: retry the step, mark it as done by hand, or write it off.

    Only stuck steps, which are about money or goods, can be marked as done or written off. `payment_review`,
    `workflow_lost` and `no_progress` can be retried, which asks the provider, starts the workflow, or repeats a failed
    step at once. For other reasons, or when there is nothing to try, the problem says what is possible.
    """
    order = await run_in_threadpool(orders.get, order_id)
    reason = order.resolvable_reason(body.step, body.action)
    if reason in RECOVERED:
        await retries.retry(order_id, reason, caller.identity)
    elif starter is None:
        raise Unavailable("The order workflow cannot be reached. Try again.", retry_after=5)
    else:
        await starter.resolve(order_id, reason, body.action, body.reference or body.reason or "", caller.identity)
    return ResolveOrderResult(order_id=order_id, step=ResolveStep.of(reason), action=body.action)
