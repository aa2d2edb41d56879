"""Ids of workflows: one workflow an order, one a payment that is refunded late."""

from __future__ import annotations

from uuid import UUID

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from services.orders.status import LATE_REFUND_PREFIX

_ORDER = "order-"


def order_workflow_id(order_id: UUID) -> str:
    """`order-<orderId>`."""
    return f"{_ORDER}{order_id}"


def order_of_workflow(workflow_id: str) -> UUID | None:
    """The order of a workflow id; None for an id that is not an order's."""
    return _uuid_after(_ORDER, workflow_id)


def refund_workflow_id(payment_id: UUID | str) -> str:
    """`refund-<paymentId>`: one late payment is refunded by one workflow."""
    return f"{LATE_REFUND_PREFIX}{payment_id}"


def payment_of_workflow(workflow_id: str) -> UUID | None:
    """The payment whose late money a workflow refunds; None for an id that is not a refund's."""
    return _uuid_after(LATE_REFUND_PREFIX, workflow_id)


def _uuid_after(prefix: str, workflow_id: str) -> UUID | None:
    try:
        return UUID(workflow_id.removeprefix(prefix)) if workflow_id.startswith(prefix) else None
    except ValueError:
        return None
