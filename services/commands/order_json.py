"""Orders as JSON for scripts, named as in the API; without the address and whatever else is about a person."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.commands.order_report import OrderReport
from services.money import Money
from services.order_number import order_number
from services.orders.views import EventView, OrderSummary, OrderView
from services.payments.provider_states import PaymentStates


def summary_json(order: OrderSummary) -> dict[str, Any]:
    """An order in a list."""
    return {
        "id": str(order.id),
        "number": order_number(str(order.id)),
        "buyerId": str(order.buyer_id),
        "status": order.status,
        **_amount("total", order.total),
        "needsAttention": order.needs_attention,
        "createdAt": order.created_at.isoformat(),
    }


def report_json(report: OrderReport) -> dict[str, Any]:
    """Everything that is known of one order; what did not answer is null, and `unanswered` says why."""
    order = report.order
    return {
        "id": str(order.id),
        "number": order_number(str(order.id)),
        "buyerId": str(order.buyer_id),
        "status": order.status,
        **_amount("total", order.total),
        "cancelReason": order.cancel_reason,
        "createdAt": order.created_at.isoformat(),
        "updatedAt": order.updated_at.isoformat(),
        "items": [
            {"productId": str(line.product_id), "name": line.name, "quantity": line.quantity, "price": line.price.text}
            for line in order.lines
        ],
        "attention": _attention(order, report.tries),
        "payments": report.payments.said and [_payment(each) for each in report.payments.said],
        "goods": report.goods and report.goods.status,
        "agrees": {"provider": report.provider_agrees, "goods": report.goods_agree},
        "workflow": _workflow(report),
        "timeline": [_event(event) for event in report.timeline],
        "unanswered": [text for text in (report.payments.trouble, report.workflow.trouble) if text],
    }


def attention_json(order: OrderView, tries: Mapping[str, datetime]) -> dict[str, Any]:
    """An order that needs a person, why, and when each reason is tried again by itself."""
    return {
        "id": str(order.id),
        "number": order_number(str(order.id)),
        "status": order.status,
        "attention": _attention(order, tries),
    }


def _attention(order: OrderView, tries: Mapping[str, datetime]) -> list[dict[str, Any]]:
    return [
        {
            "reason": each.reason,
            "since": each.since and each.since.isoformat(),
            "detail": each.detail,
            "nextTry": (at := tries.get(each.reason)) and at.isoformat(),
            "actions": each.actions,
            "advice": each.advice,
        }
        for each in order.attention
    ]


def _payment(states: PaymentStates) -> dict[str, Any]:
    ours, provider = states.ours, states.provider
    return {
        "id": str(ours.id),
        "attempt": ours.attempt,
        "status": ours.status,
        "failureCode": ours.failure_code,
        **_amount("captured", Money(ours.captured_minor, ours.amount.currency)),
        "refunded": Money(ours.refunded_minor, ours.amount.currency).text,
        "provider": provider
        and {
            "id": provider.provider_id,
            "status": provider.outcome,
            **_amount("captured", Money(provider.captured_minor, provider.amount.currency)),
            "refunded": Money(provider.refunded_minor, provider.amount.currency).text,
        },
    }


def _workflow(report: OrderReport) -> dict[str, Any] | None:
    progress = report.workflow.said
    if progress is None:
        return None
    return {
        "id": progress.workflow_id,
        "status": progress.status,
        "url": report.link,
        "taskAttempt": progress.task_attempt,
        "steps": [{"name": step.name, "attempt": step.attempt, "failure": step.failure} for step in progress.steps],
    }


def _event(event: EventView) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "type": event.type,
        "status": event.status,
        "detail": event.detail,
        "attempt": event.attempt,
        "amount": event.amount and event.amount.text,
    }


def _amount(name: str, money: Money) -> dict[str, str]:
    return {name: money.text, "currency": money.currency}
