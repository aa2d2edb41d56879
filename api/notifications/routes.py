"""Send and get notifications; for services and operators."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Response

from api.access.operation_router import OperationRouter
from api.dependencies import Language, Notifications
from api.notifications.schemas import NotificationDetails, QueuedNotification, SendNotification
from api.requests.fields import Id
from api.requests.idempotency import Idempotency, mark_replayed

router = OperationRouter(prefix="/notifications", tags=["Notifications"])


@router.post("/send", operation_id="sendNotification", summary="Send a notification")
def send_notification(
    body: SendNotification,
    notifications: Notifications,
    idempotency: Idempotency,
    language: Language,
    response: Response,
) -> QueuedNotification:
    """Queues the message; it is sent in the background."""
    request = idempotency.request(body)
    sent = notifications.send(body.channel, body.to, body.template, body.variables, language, request)
    if sent.replayed:
        mark_replayed(response)
    return QueuedNotification(notification_id=sent.id, status=sent.status)


@router.get("/{notificationId}", operation_id="getNotification", summary="Get a notification")
def get_notification(
    notification_id: Annotated[Id, Path(alias="notificationId")], notifications: Notifications
) -> NotificationDetails:
    """Its status, without the text of the message."""
    found = notifications.get(notification_id)
    return NotificationDetails(
        notification_id=found.id,
        status=found.status,
        channel=found.channel,
        to=found.to_masked,
        template=found.template,
        created_at=found.created_at,
        error_message=found.error_message,
    )
