"""What operators look at first: how many orders wait for whom, and whether every part of the shop works."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import Request
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from api.access.operation_router import OperationRouter
from api.orders import presenters
from api.orders.retrying import CurrentRetries, Retries
from api.orders.schemas import OrderAttention
from api.requests.fields import Shape, Utc
from api.state import AppState, state_of
from services import figures
from services.bootstrap import Services
from services.errors import Unavailable
from services.order_number import order_number
from services.orders.status import OrderStatus
from services.orders.views import OrderFilter, OrderView

router = OperationRouter(prefix="/operations", tags=["Operations"])

#: Orders that need attention and are listed.
ATTENTION = 20
#: Seconds after which a cancellation is slow.
SLOW_CANCELLATION = 60
_AWAITING_PAYMENT = (OrderStatus.RESERVED, OrderStatus.PAYMENT_PENDING)
#: Queues whose entries become or are messages to people.
_MESSAGES = ("events", "account-messages", "email", "sms")


class OrdersOverview(Shape):
    """How many orders wait for whom."""

    needs_attention: int = Field(description="Orders for which an operator is needed.")
    awaiting_payment: int = Field(description="Orders with the status `reserved` or `payment_pending`.")
    slow_cancellations: int = Field(description="Orders that have been `cancelling` for more than 60 s.")


class QueueOverview(Shape):
    """What waits to be delivered."""

    name: str = Field(description="`commands` (for Temporal), `events`, `account-messages`, `email` or `sms`.")
    waiting: int
    oldest_seconds: int = Field(description="How long the oldest one has waited; 0 when nothing waits.")


class ExternalSystemOverview(Shape):
    """What another system has not answered or accepted so far."""

    name: str = Field(description="`provider_payments`, `provider_refunds`, `email` or `sms`.")
    unanswered: int
    oldest_seconds: int = Field(description="The age of the oldest one; 0 when there is none.")


class InvariantOverview(Shape):
    """The last result of one check of the reconciler."""

    invariant: str
    violations: int
    checked_at: Utc


class WebhooksOverview(Shape):
    """Outgoing webhooks."""

    disabled_endpoints: int = Field(description="Disabled because they answered 410, or failed for three days.")
    failing_endpoints: int = Field(description="Enabled, without a success since their last failure.")
    waiting: int = Field(description="Deliveries that wait for their first or next attempt.")
    overdue_seconds: int = Field(description="How long the oldest one that is due has not been sent; 0 without one.")


class AttentionOverview(Shape):
    """An order that needs an operator, and why."""

    order_id: UUID
    number: str
    attention: list[OrderAttention] = Field(description="Oldest reason first.")


class OperationsOverview(Shape):
    """The state of the shop."""

    orders: OrdersOverview
    attention: list[AttentionOverview] = Field(description="The newest 20 orders for which an operator is needed.")
    messages_waiting: int = Field(description="Messages to people that are not sent yet.")
    queues: list[QueueOverview]
    external_systems: list[ExternalSystemOverview] = Field(description="The payment provider, e-mail and SMS.")
    webhooks: WebhooksOverview
    invariants: list[InvariantOverview] = Field(description="Empty until the reconciler has run.")
    workers: list[str] | None = Field(
        description="The worker processes that polled Temporal in the last minutes; null when Temporal does not answer."
    )


@router.get("/overview", operation_id="getOperationsOverview", summary="Get the state of the shop")
async def get_operations_overview(request: Request, retries: CurrentRetries) -> OperationsOverview:
    """Reads rows that are open or waiting only; the cost does not grow with the number of closed orders."""
    state = state_of(request.app)
    workers, needing = await asyncio.gather(_workers(state), run_in_threadpool(_needing, state.services))
    attention = await asyncio.gather(*(_attention(order, retries) for order in needing))
    return await run_in_threadpool(_overview, state.services, workers, attention)


async def _workers(state: AppState) -> list[str] | None:
    if state.starter is None:
        return None
    try:
        return list(await state.starter.pollers())
    except Unavailable:
        return None


def _needing(services: Services) -> list[OrderView]:
    found = services.orders.list_orders(OrderFilter(needs_attention=True), None, ATTENTION)
    return [services.orders.get(each.id) for each in found]


async def _attention(order: OrderView, retries: Retries) -> AttentionOverview:
    tries = await retries.next_tries(order)
    return AttentionOverview(
        order_id=order.id, number=order_number(str(order.id)), attention=presenters.attention(order, tries)
    )


def _overview(services: Services, workers: list[str] | None, attention: list[AttentionOverview]) -> OperationsOverview:
    database = services.database
    by_status, queues = figures.open_orders(database), figures.queues(database)
    return OperationsOverview(
        orders=OrdersOverview(
            needs_attention=figures.orders_needing_attention(database),
            awaiting_payment=sum(by_status.get(status, 0) for status in _AWAITING_PAYMENT),
            slow_cancellations=figures.orders_cancelling(database, SLOW_CANCELLATION),
        ),
        attention=attention,
        messages_waiting=sum(queue.waiting for queue in queues if queue.name in _MESSAGES),
        queues=[
            QueueOverview(name=each.name, waiting=each.waiting, oldest_seconds=int(each.oldest))
            for each in sorted(queues, key=lambda queue: queue.name)
        ],
        external_systems=[
            ExternalSystemOverview(name=each.name, unanswered=each.count, oldest_seconds=int(each.oldest))
            for each in figures.unanswered(database)
        ],
        webhooks=_webhooks(figures.webhooks(database)),
        invariants=[
            InvariantOverview(invariant=each.invariant, violations=each.violations, checked_at=each.checked_at)
            for each in services.invariant_results.latest()
        ],
        workers=workers,
    )


def _webhooks(found: figures.Webhooks) -> WebhooksOverview:
    return WebhooksOverview(
        disabled_endpoints=found.disabled,
        failing_endpoints=found.failing,
        waiting=found.waiting,
        overdue_seconds=int(found.overdue),
    )
