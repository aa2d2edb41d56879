"""Builders of the tests of outgoing webhooks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from services.money import Money
from services.webhooks.views import OrderEventFacts

AT = datetime(2026, 3, 1, 14, 5, 9, tzinfo=UTC)


def an_event(order_id: UUID, type_: str = "paid", **more: Any) -> OrderEventFacts:
    """An event of an order of 25.98 GBP."""
    return replace(
        OrderEventFacts(order_id, type_, type_, AT, "confirmed" if type_ == "refunded" else type_, Money(2598, "GBP")),
        **more,
    )
