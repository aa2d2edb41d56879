"""Temporal client: how a process connects, the task queue, and the ids of workflows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from temporalio.client import Client
from temporalio.service import GrpcCompression

if TYPE_CHECKING:
    from services.settings import Settings

#: One queue for everything: activities that share it with their workflow can be handed over without a poll.
TASK_QUEUE = "market"
#: A lost workflow task waits this long.
TASK_TIMEOUT = timedelta(seconds=3)


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """The connection of a process to Temporal by its settings; `lazy`: also while Temporal is away.

    Raises RuntimeError when it cannot be reached.
    """
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key,
        tls=settings.temporal_tls or bool(settings.temporal_api_key),
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
    )


def order_workflow_id(order_id: UUID) -> str:
    """`order-<orderId>`."""
    return f"order-{order_id}"


def refund_workflow_id(payment_id: UUID | str) -> str:
    """`refund-<paymentId>`: one late payment is refunded by one workflow."""
    return f"refund-{payment_id}"
