"""The messages of an order event: one for each address of the buyer, always under the same key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.links import has_link
from services.notifications.order_details import email_details
from services.notifications.status import NotificationChannel
from services.notifications.template_registry import VARIABLES
from services.notifications.views import Budget, NewMessage, OrderNotification


def messages_for(notification: OrderNotification) -> Iterator[NewMessage]:
    """The messages of one order event; an SMS, which is one segment, has no details of the order."""
    sms, details = _variables(notification), email_details(notification)
    for suffix, channel, to in _addresses(notification):
        yield NewMessage(
            key=f"notify:{notification.order_id}:{notification.again or notification.event}:{suffix}",
            channel=channel,
            to=to,
            template=f"order_{notification.event}",
            language=notification.language,
            variables=sms if channel is NotificationChannel.SMS else {**sms, **details},
            order_id=notification.order_id,
            budget=Budget.SHOP if to in notification.trusted else Budget.RECIPIENT,
        )


def _addresses(notification: OrderNotification) -> Iterator[tuple[str, NotificationChannel, str]]:
    if notification.email:
        yield "email", NotificationChannel.EMAIL, notification.email
    for place, phone in enumerate(notification.phones):
        yield ("sms", "sms:order")[place] if place < 2 else f"sms:{place}", NotificationChannel.SMS, phone


def _variables(notification: OrderNotification) -> Mapping[str, str]:
    values = {
        # An account may have a name from before such names were refused.
        "firstName": "" if has_link(notification.first_name) else notification.first_name,
        "orderId": str(notification.order_id),
        "totalAmount": notification.total.text,
        "currency": notification.total.currency,
        "reason": notification.reason or "internal",
    }
    given = {name: values[name] for name in VARIABLES[f"order_{notification.event}"]}
    return {**given, "moneyReturned": "yes"} if notification.money_returned else given
