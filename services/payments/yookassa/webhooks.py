"""Webhooks of YooKassa: accepted by their source address, because they are not signed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from pydantic import ValidationError

from services.errors import Invalid, InvalidSignature
from services.payments.gateway import WebhookEvent
from services.payments.yookassa.objects import Notification

#: Networks from which YooKassa sends webhooks, which it does not sign (https://yookassa.ru/developers/using-api/webhooks#ip).
SOURCES = (
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
)


class WebhookReader:
    """Reads the webhooks that come from the given networks."""

    def __init__(self, sources: Sequence[str]) -> None:
        """`sources` are IP networks. Raises ValueError when one of them is not."""
        self._sources = [ipaddress.ip_network(source) for source in sources]

    def read(self, body: bytes, source: str | None) -> WebhookEvent | None:
        """The event of a webhook from the address `source`, None when it concerns no payment.

        Only the ids are used, the state comes from a look-up. Raises InvalidSignature, Invalid.
        """
        if not self._is_source(source):
            raise InvalidSignature("This webhook does not come from the payment provider.")
        try:
            message = Notification.model_validate_json(body)
        except ValidationError as error:
            raise Invalid("This is not a webhook of the payment provider.") from error
        kind, _, _ = message.event.partition(".")
        subject = message.object
        payment = {"payment": subject.id, "refund": subject.payment_id}.get(kind)
        if payment is None:
            return None
        return WebhookEvent(f"{message.event}:{subject.id}:{subject.status}", message.event, payment, subject.reference)

    def _is_source(self, source: str | None) -> bool:
        try:
            address = ipaddress.ip_address(source or "")
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._sources)
