"""Send and get notifications; for services and operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query, Response

from api.access.operation_router import OperationRouter
from api.dependencies import Identity, Language, Notifications, Orders
from api.notifications.schemas import NotificationDetails, QueuedNotification, SendNotification
from api.requests.fields import Id
from api.requests.idempotency import Idempotency, mark_replayed
from api.requests.pagination import Page, Paging
from services.identity.service import IdentityService
from services.notifications.views import NotificationView
from services.orders.service import OrderService

router = OperationRouter(prefix="/notifications", tags=["Notifications"])


@router.post("/send", operation_id="sendNotification", summary="Send a notification")
def send_notification(
    body: SendNotification,
    notifications: Notifications,
    identity: Identity,
    orders: Orders,
    idempotency: Idempotency,
    language: Language,
    response: Response,
) -> QueuedNotification:
    """Queues the message; it is sent in the background."""
    request = idempotency.request(body)
    trusted = _is_trusted(body.to, identity, orders)
    sent = notifications.send(body.channel, body.to, body.template, body.variables, language, request, trusted=trusted)
    if sent.replayed:
        mark_replayed(response)
    return QueuedNotification(notification_id=sent.id, status=sent.status)


def _is_trusted(to: str, identity: IdentityService, orders: OrderService) -> bool:
    """Whether the recipient has verified this address, or has paid: then it has no budget."""
    holder = identity.holder(to)
    return holder is not None and (holder.verified or orders.has_paid(holder.id))


@router.get("", operation_id="listNotifications", summary="List the notifications about an order")
def list_notifications(
    notifications: Notifications,
    paging: Paging,
    order_id: Annotated[Id, Query(alias="orderId", description="The order that the messages are about.")],
) -> Page[NotificationDetails]:
    """Oldest first, without their texts; empty for an unknown order."""
    listing = paging.listing({"orderId": order_id})
    found = notifications.of_order(order_id, paging.after(listing), paging.limit + 1)
    return paging.page(listing, found, lambda notification: notification.id, _details)


@router.get("/{notificationId}", operation_id="getNotification", summary="Get a notification")
def get_notification(
    notification_id: Annotated[Id, Path(alias="notificationId")], notifications: Notifications
) -> NotificationDetails:
    """Its status, without the text of the message."""
    return _details(notifications.get(notification_id))


def _details(found: NotificationView) -> NotificationDetails:
    return NotificationDetails(
        notification_id=found.id,
        status=found.status,
        channel=found.channel,
        to=found.to_masked,
        template=found.template,
        created_at=found.created_at,
        error_message=found.error_message,
    )
