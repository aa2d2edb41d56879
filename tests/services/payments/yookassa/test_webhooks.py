"""Webhooks of YooKassa: accepted from its networks only, and reduced to ids."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from services.errors import Invalid, InvalidSignature
from services.payments.gateway import WebhookEvent
from services.payments.yookassa.webhooks import SOURCES, WebhookReader

READER = WebhookReader(SOURCES)
INSIDE = "185.71.76.1"
REFERENCE = UUID(int=7)
OURS = {"reference": str(REFERENCE), "order": str(UUID(int=8))}


def webhook(event: str = "payment.succeeded", **members: Any) -> bytes:
    subject = {"id": "p-1", "status": "succeeded", "metadata": OURS} | members
    return json.dumps({"type": "notification", "event": event, "object": subject}).encode()


def test_a_webhook_about_a_payment() -> None:
    event = READER.read(webhook(), INSIDE)
    assert event == WebhookEvent("payment.succeeded:p-1:succeeded", "payment.succeeded", "p-1", REFERENCE)


def test_a_webhook_about_a_refund_names_its_payment() -> None:
    event = READER.read(webhook("refund.succeeded", id="r-1", payment_id="p-1", metadata={}), INSIDE)
    assert event == WebhookEvent("refund.succeeded:r-1:succeeded", "refund.succeeded", "p-1", None, "r-1")


@pytest.mark.parametrize("body", [webhook("payout.succeeded"), webhook("refund.succeeded")])
def test_a_webhook_about_no_payment(body: bytes) -> None:
    assert READER.read(body, INSIDE) is None


@pytest.mark.parametrize("source", ["::ffff:185.71.76.1", "2a02:5180::1", "77.75.156.35"])
def test_other_addresses_of_the_provider(source: str) -> None:
    assert READER.read(webhook(), source) is not None


@pytest.mark.parametrize("source", [None, "", "185.71.76.32", "77.75.156.36", "127.0.0.1", "localhost", "2a02:5181::1"])
def test_another_source_is_refused(source: str | None) -> None:
    with pytest.raises(InvalidSignature):
        READER.read(webhook(), source)


@pytest.mark.parametrize("body", [b"", b"[]", webhook(id="../refunds"), webhook(status="<b>"), webhook("Payment")])
def test_another_body_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        READER.read(body, INSIDE)
