"""Rows of orders turned into the values that leave the service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.money import Money
from services.orders.status import CancelReason, OrderEventType, OrderStatus
from services.orders.views import Address, AttentionView, Command, EventView, LineView, OrderSummary, OrderView


def order(row: Any) -> OrderView:
    """An order in full, from a row that carries its lines as JSON."""
    return OrderView(
        id=row.id,
        buyer_id=row.buyer_id,
        status=OrderStatus(row.status),
        total=Money(row.total_minor, row.currency),
        lines=tuple(
            LineView(UUID(product_id), name, Money(price, row.currency), quantity)
            for product_id, name, price, quantity in row.lines
        ),
        address=Address(row.country, row.region, row.city, row.street, row.postal_code),
        method=row.method,
        cancel_reason=reason(row.cancel_reason),
        attention=tuple(_attention(code, row.attention_details.get(code)) for code in row.attention_reasons),
        created_at=row.created_at,
        updated_at=row.updated_at,
        window_ends=_window_ends(row.created_at, row.start_input),
    )


def _window_ends(created_at: datetime, start_input: Mapping[str, Any]) -> datetime:
    """As `reserve_stock` counts it: the window of the start input begins when the order is stored."""
    return created_at + timedelta(seconds=start_input["payment_window"])


def _attention(code: str, details: Mapping[str, str] | None) -> AttentionView:
    if details is None:
        return AttentionView(code)
    return AttentionView(code, datetime.fromisoformat(details["since"]), details["detail"])


def placed(row: Mapping[str, Any], lines: Sequence[tuple[UUID, str, int, int]], created_at: datetime) -> OrderView:
    """A new order, from the values that were stored for it."""
    currency = row["currency"]
    return OrderView(
        id=row["id"],
        buyer_id=row["buyer_id"],
        status=OrderStatus.CREATED,
        total=Money(row["total_minor"], currency),
        lines=tuple(LineView(id_, name, Money(price, currency), quantity) for id_, name, price, quantity in lines),
        address=Address(row["country"], row["region"], row["city"], row["street"], row["postal_code"]),
        method=row["method"],
        cancel_reason=None,
        attention=(),
        created_at=created_at,
        updated_at=created_at,
        window_ends=_window_ends(created_at, row["start_input"]),
    )


def summary(row: Any) -> OrderSummary:
    """An order in a list."""
    return OrderSummary(
        id=row.id,
        buyer_id=row.buyer_id,
        status=OrderStatus(row.status),
        total=Money(row.total_minor, row.currency),
        created_at=row.created_at,
        needs_attention=row.needs_attention,
    )


def event(row: Any) -> EventView:
    """An entry of the timeline."""
    return EventView(
        id=row.id,
        at=row.at,
        type=OrderEventType(row.type),
        status=OrderStatus(row.status),
        detail=row.detail,
        attempt=row.attempt,
        amount=Money(row.amount_minor, row.currency) if row.amount_minor is not None else None,
    )


def command(row: Any) -> Command:
    """A leased command."""
    return Command(row.id, row.order_id, row.name, row.arguments, row.start_input, OrderStatus(row.status), row.paid_by)


def reason(value: str | None) -> CancelReason | None:
    """Why an order was cancelled, if it was."""
    return CancelReason(value) if value else None
