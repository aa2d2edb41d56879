"""Webhooks of YooKassa: accepted by their source address, because they are not signed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from pydantic import ValidationError

from services.errors import Invalid, InvalidSignature
from services.payments.gateway import WebhookEvent
from services.payments.yookassa.objects import Notification, NotifiedObject, our_reference

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
        """The event of a webhook from the address `source`; None when it concerns no payment, or cannot be read and is
        not about one of ours (several sites may share a shop id).

        Only the ids are used, the state comes from a look-up. Raises InvalidSignature, Invalid.
        """
        if not self._is_source(source):
            raise InvalidSignature("This webhook does not come from the payment provider.")
        try:
            message = Notification.model_validate_json(body)
        except ValidationError as error:
            raise _invalid() from error
        kind, _, _ = message.event.partition(".")
        if kind not in ("payment", "refund"):
            return None
        reference = our_reference(message.object.get("metadata"))
        try:
            subject = NotifiedObject.model_validate(message.object)
        except ValidationError as error:
            if reference is None:
                return None
            raise _invalid() from error
        payment = subject.id if kind == "payment" else subject.payment_id
        if payment is None:
            return None
        webhook_id = f"{message.event}:{subject.id}:{subject.status}"
        refund_id = subject.id if kind == "refund" else None
        return WebhookEvent(webhook_id, message.event, payment, reference, refund_id)

    def _is_source(self, source: str | None) -> bool:
        try:
            address = ipaddress.ip_address(source or "")
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._sources)


def _invalid() -> Invalid:
    return Invalid("This is not a webhook of the payment provider.")
