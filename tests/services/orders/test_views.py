"""What an order's view says about itself: stuck undos, and whether anything moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from services.money import Money
from services.orders.status import PAYMENT_REVIEW, OrderStatus, ResolveAction, ResolveStep, UndoStep
from services.orders.views import AttentionView, OrderView, PaymentMethod
from tests.builders import ADDRESS

AT = datetime(2026, 1, 2, tzinfo=UTC)
ORDER = OrderView(
    id=UUID(int=1),
    buyer_id=UUID(int=2),
    status=OrderStatus.RESERVED,
    total=Money(1000, "RUB"),
    lines=(),
    address=ADDRESS,
    method="card",
    cancel_reason=None,
    attention=(),
    created_at=AT,
    updated_at=AT,
    window_ends=AT,
)


@pytest.mark.parametrize(
    ("changes", "idle"),
    [
        ({}, False),
        ({"method": None}, True),
        ({"status": OrderStatus.CREATED, "method": None}, False),
        ({"status": OrderStatus.PAYMENT_PENDING}, True),
        ({"status": OrderStatus.PAID}, False),
        ({"status": OrderStatus.CANCELLING}, False),
        ({"status": OrderStatus.CANCELLING, "attention": (AttentionView(PAYMENT_REVIEW),)}, True),
        ({"status": OrderStatus.CONFIRMED}, True),
    ],
)
def test_an_order_is_idle_until_somebody_outside_acts(changes: dict[str, Any], idle: bool) -> None:
    assert replace(ORDER, **changes).is_idle is idle


def test_the_oldest_stuck_undo_comes_before_a_review() -> None:
    order = replace(
        ORDER, attention=tuple(map(AttentionView, (PAYMENT_REVIEW, UndoStep.REFUND_PAYMENT, UndoStep.RELEASE_STOCK)))
    )
    assert order.resolvable_reason(None, ResolveAction.RETRY) == UndoStep.REFUND_PAYMENT
    assert order.resolvable_reason(ResolveStep.RELEASE_STOCK, ResolveAction.RETRY) == UndoStep.RELEASE_STOCK
    assert order.resolvable_reason(ResolveStep.PAYMENT_REVIEW, ResolveAction.RETRY) == PAYMENT_REVIEW


def test_a_payment_method_has_one_kind() -> None:
    assert [PaymentMethod(card="tok").kind, PaymentMethod(phone="+79991234567").kind] == ["card", "phone"]
