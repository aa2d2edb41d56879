"""List webhook deliveries with their attempts, and send one again; for operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from api.access.operation_router import OperationRouter
from api.dependencies import Webhooks
from api.requests.fields import NO_BODY, Id
from api.requests.pagination import Page, Paging
from api.webhooks.schemas import WebhookDelivery, WebhookDeliverySummary, delivery_shape, delivery_summary
from services.webhooks.status import DeliveryStatus
from services.webhooks.views import DeliveryFilter

router = OperationRouter(prefix="/webhook-deliveries", tags=["Webhooks"])

DeliveryId = Annotated[Id, Path(alias="deliveryId")]


@router.get("", operation_id="listWebhookDeliveries", summary="List webhook deliveries")
def list_webhook_deliveries(
    webhooks: Webhooks,
    paging: Paging,
    endpoint_id: Annotated[Id | None, Query(alias="endpointId", description="Only those to this endpoint.")] = None,
    status: Annotated[DeliveryStatus | None, Query(description="Only those with this status.")] = None,
    order_id: Annotated[Id | None, Query(alias="orderId", description="Only those about this order.")] = None,
) -> Page[WebhookDeliverySummary]:
    """Newest first, of the last 30 days."""
    listing = paging.listing({"endpointId": endpoint_id, "status": status, "orderId": order_id})
    wanted = DeliveryFilter(endpoint_id, status, order_id)
    found = webhooks.before(wanted, paging.after(listing), paging.limit + 1)
    return paging.page(listing, found, lambda delivery: delivery.id, delivery_summary)


@router.get("/{deliveryId}", operation_id="getWebhookDelivery", summary="Get a webhook delivery")
def get_webhook_delivery(delivery_id: DeliveryId, webhooks: Webhooks) -> WebhookDelivery:
    """With its body and its attempts."""
    found, attempts = webhooks.get(delivery_id)
    return delivery_shape(found, list(attempts))


@router.post(
    "/{deliveryId}/redeliver",
    operation_id="redeliverWebhook",
    summary="Send a webhook again",
    dependencies=[NO_BODY],
)
def redeliver_webhook(delivery_id: DeliveryId, webhooks: Webhooks) -> WebhookDeliverySummary:
    """Now, with the same id and body, also one that was delivered. Refused while its endpoint is disabled."""
    return delivery_summary(webhooks.redeliver(delivery_id))
