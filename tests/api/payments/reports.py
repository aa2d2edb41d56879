"""Signed payment notifications as a provider sends them, and their effects."""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import UUID

import httpx2

from sandbox.standins.provider.webhook_signing import read_secrets, signed_headers
from services.bootstrap import Services
from services.clock import new_id
from services.payments.views import PaymentView
from tests.api.people import Person
from tests.api.shop import pay, placed, reserve

PAYMENTS = "/api/v1/payments"


async def waiting_payment(
    api: httpx2.AsyncClient, buyer: Person, services: Services, card: str = "tok_pending"
) -> PaymentView:
    """The payment of a new order, by a card that the provider leaves pending by default."""
    order_id = await placed(api, buyer, services, card=card)
    reserve(services, order_id)
    return pay(services, order_id)


def report_of(payment: PaymentView, status: str = "succeeded", **changes: Any) -> bytes:
    """The body of a message about a payment."""
    body = {
        "paymentId": str(payment.id),
        "status": status,
        "amount": payment.amount.text,
        "currency": payment.amount.currency,
    }
    return json.dumps(body | changes).encode()


def signed(
    services: Services, body: bytes, *, message_id: str | None = None, at: float = 0, secrets: str | None = None
) -> dict[str, str]:
    """Headers of a message sent `at` seconds from now."""
    keys = read_secrets(secrets or services.settings.webhook_secrets)
    headers = signed_headers(keys, message_id or f"msg_{new_id()}", int(time.time() + at), body)
    return headers | {"Content-Type": "application/json"}


async def notify(
    api: httpx2.AsyncClient, services: Services, payment_id: object, body: bytes, **how: Any
) -> httpx2.Response:
    """Send a signed message."""
    return await api.post(f"{PAYMENTS}/{payment_id}/notify", content=body, headers=signed(services, body, **how))


def commands(services: Services, order_id: UUID) -> list[tuple[str, str]]:
    """Name and payment id of the payment commands for the order's workflow."""
    with services.database.transaction() as tx:
        found = (
            "SELECT name, arguments ->> 'payment_id' FROM orders.outbox"
            " WHERE order_id = %(id)s AND name IN ('payment_updated', 'late_payment') ORDER BY id"
        )
        return [(row[0], row[1]) for row in tx.fetch_all(found, {"id": order_id})]


def kept(services: Services) -> int:
    """How many messages are in the inbox."""
    with services.database.transaction() as tx:
        return int(tx.fetch_value("SELECT count(*) FROM payments.inbox"))


def failure_of(services: Services, payment_id: UUID) -> tuple[str | None, str | None]:
    """Code and message of a payment's failure, as operators see them."""
    with services.database.transaction() as tx:
        found = "SELECT failure_code, failure_message FROM payments.payments WHERE id = %(id)s"
        row = tx.fetch_one(found, {"id": payment_id})
        return row[0], row[1]
