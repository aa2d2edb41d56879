"""Which messages an event of an order makes: one for each way to reach the buyer, its key always the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from uuid import UUID

from services.notifications.status import Channel
from services.notifications.template_registry import VARIABLES
from services.notifications.views import NewMessage, OrderNotification


def messages_for(notice: OrderNotification) -> Iterator[NewMessage]:
    """The messages of one event."""
    for suffix, channel, to in _ways(notice):
        yield NewMessage(
            key=f"notify:{notice.order_id}:{notice.again or notice.event}:{suffix}",
            channel=channel,
            to=to,
            template=f"order_{notice.event}",
            language=notice.language,
            variables=_variables(notice),
            order_id=notice.order_id,
        )


def account_message(
    message_id: UUID, channel: str, to: str, template: str, language: str, variables: Mapping[str, str]
) -> NewMessage:
    """A message about an account, one however often it is queued."""
    return NewMessage(f"account:{message_id}", Channel(channel), to, template, language, variables)


def _ways(notice: OrderNotification) -> Iterator[tuple[str, Channel, str]]:
    if notice.email:
        yield "email", Channel.EMAIL, notice.email
    for place, phone in enumerate(notice.phones):
        yield ("sms", "sms:order")[place] if place < 2 else f"sms:{place}", Channel.SMS, phone


def _variables(notice: OrderNotification) -> Mapping[str, str]:
    given = {
        "firstName": notice.first_name,
        "orderId": str(notice.order_id),
        "totalAmount": notice.total.text,
        "currency": notice.total.currency,
        "reason": notice.reason or "internal",
    }
    return {name: given[name] for name in VARIABLES[f"order_{notice.event}"]}
