"""Temporal client: how a process connects, the task queue, and the ids of workflows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from temporalio.client import Client
from temporalio.service import GrpcCompression

from activities.converting import DATA_CONVERTER
from services.orders.status import LATE_REFUND_PREFIX

if TYPE_CHECKING:
    from services.settings import Settings

#: One task queue: activities that share it with their workflow can be started without a poll.
TASK_QUEUE = "market"
#: Time after which a lost workflow task is repeated.
TASK_TIMEOUT = timedelta(seconds=3)


async def connect(settings: Settings, *, lazy: bool = False) -> Client:
    """Connect to Temporal as the settings say; `lazy`: without waiting for Temporal to be available.

    Raises RuntimeError when it cannot be reached.
    """
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        api_key=settings.temporal_api_key,
        tls=settings.temporal_tls or bool(settings.temporal_api_key),
        data_converter=DATA_CONVERTER,
        grpc_compression=GrpcCompression.NONE,
        lazy=lazy,
    )


def order_workflow_id(order_id: UUID) -> str:
    """`order-<orderId>`."""
    return f"order-{order_id}"


def refund_workflow_id(payment_id: UUID | str) -> str:
    """`refund-<paymentId>`: one late payment is refunded by one workflow."""
    return f"{LATE_REFUND_PREFIX}{payment_id}"
