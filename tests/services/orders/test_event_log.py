"""The log of orders: one line for each thing that happened, none for what was rolled back or repeated."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from structlog.contextvars import bound_contextvars
from structlog.testing import capture_logs

from services.clock import new_id
from services.db import Database
from services.idempotency import IdempotentRequest
from services.order_number import order_number
from services.orders.service import OrderService
from services.orders.status import CancelReason, OrderEventType, OrderStatus
from services.orders.transitions import OrderTransitions
from services.orders.views import OrderView
from tests.builders import an_order
from tests.services.orders.conftest import RUN, drive
from workflows.ids import order_workflow_id


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as captured:
        yield captured


def names(logs: list[Any]) -> list[str]:
    return [entry["event"] for entry in logs]


def test_each_transition_is_logged_once(
    orders: OrderService, steps: OrderTransitions, order: OrderView, logs: list[Any]
) -> None:
    for _ in range(2):
        drive(steps, order.id, OrderStatus.CONFIRMED)
    assert names(logs) == ["order.reserved", "order.payment_pending", "order.paid", "order.confirmed"]
    assert {(entry["order_id"], entry["number"], entry["workflow_id"]) for entry in logs} == {
        (str(order.id), order_number(str(order.id)), order_workflow_id(order.id))
    }


def test_a_placed_order_is_logged_and_a_repeated_request_is_not(orders: OrderService, logs: list[Any]) -> None:
    request = IdempotentRequest.of("buyer:anna", "POST /orders", "key-1", {})
    placed = [orders.place(an_order(), request).order.id for _ in range(2)]
    assert [(entry["event"], entry["order_id"]) for entry in logs] == [("order.placed", str(placed[0]))]


def test_a_cancellation_is_logged_with_its_reason_and_without_the_note(
    orders: OrderService, steps: OrderTransitions, order: OrderView, logs: list[Any]
) -> None:
    orders.request_cancel(order.id, order.buyer_id, CancelReason.BUYER_REQUEST, "my own words")
    steps.cancelled(order.id)
    assert [(entry["event"], entry["reason"]) for entry in logs] == [
        ("order.cancelling", "buyer_request"),
        ("order.cancelled", "buyer_request"),
    ]
    assert "my own words" not in repr(logs)


def test_a_transition_that_is_rolled_back_is_not_logged(
    database: Database, steps: OrderTransitions, order: OrderView, logs: list[Any]
) -> None:
    steps.claim(order.id, RUN)
    with suppress(ZeroDivisionError), database.transaction() as tx:
        steps.reserved(order.id, tx)
        raise ZeroDivisionError
    assert logs == []
    with database.transaction() as tx:
        steps.reserved(order.id, tx)
        assert logs == []
    assert names(logs) == ["order.reserved"]


def test_attention_and_entries_of_the_timeline_are_logged_once(
    steps: OrderTransitions, order: OrderView, logs: list[Any]
) -> None:
    refund = new_id()
    for _ in range(2):
        steps.raise_attention(order.id, "refund_payment")
        steps.record_refund(order.id, refund, 500, None)
        steps.note(order.id, OrderEventType.RESOLVED, "resolved:1", detail="refund_payment: mark_done")
    for _ in range(2):
        steps.clear_attention(order.id, "refund_payment")
    assert names(logs) == ["order.attention", "order.refunded", "order.resolved", "order.attention_cleared"]
    assert (logs[0]["reason"], logs[1]["amount_minor"], logs[3]["reason"]) == ("refund_payment", 500, "refund_payment")
    assert "mark_done" not in repr(logs)


def test_a_line_of_a_step_has_the_workflow_of_the_step(
    steps: OrderTransitions, order: OrderView, logs: list[Any]
) -> None:
    with bound_contextvars(workflow_id="refund-17"):
        steps.record_refund(order.id, new_id(), 500, None)
    assert [entry["workflow_id"] for entry in logs] == ["refund-17"]
