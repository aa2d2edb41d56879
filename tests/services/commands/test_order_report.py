"""Whether the provider and the goods agree with an order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.clock import new_id
from services.commands.order_pages import print_report
from services.commands.order_report import Answer, OrderReport
from services.money import Money
from services.order_agreement import GOODS
from services.orders.status import OrderEventType, OrderStatus
from services.orders.views import EventView, OrderView
from services.payments.gateway import Outcome, ProviderPayment
from services.payments.provider_states import PaymentStates
from services.payments.status import PaymentMethodType, PaymentStatus
from services.payments.views import PaymentView
from tests.builders import ADDRESS

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOTAL = Money(129_900, "RUB")


def payment(ours: int, provider: int) -> PaymentStates:
    """A captured payment of which so many minor units were sent back, by our tables and by the provider's."""
    view = PaymentView(
        id=new_id(),
        order_id=new_id(),
        attempt=1,
        status=PaymentStatus.SUCCEEDED,
        amount=TOTAL,
        method=PaymentMethodType.CARD,
        provider_id="p-1",
        confirmation_url=None,
        failure_code=None,
        captured_minor=TOTAL.minor,
        refunded_minor=ours,
        captured_late=False,
        retry_after=0,
        term_left=None,
    )
    return PaymentStates(view, ProviderPayment("p-1", Outcome.SUCCEEDED, TOTAL, NOW, refunded_minor=provider))


def a_report(status: OrderStatus, *payments: PaymentStates, resolved: str | None = None) -> OrderReport:
    order = OrderView(new_id(), new_id(), status, TOTAL, (), ADDRESS, "card", None, (), NOW, NOW, NOW)
    event = EventView(1, NOW, OrderEventType.RESOLVED, status, resolved, None, None)
    return OrderReport(order, [event] if resolved else [], Answer(list(payments)), None, Answer(), {}, None)


CONFIRMED, CANCELLED = OrderStatus.CONFIRMED, OrderStatus.CANCELLED


@pytest.mark.parametrize(
    ("status", "payments", "agrees"),
    [
        (CONFIRMED, [payment(0, 0)], True),
        (CONFIRMED, [payment(900, 900)], True),
        (CONFIRMED, [payment(0, 900)], False),
        (CONFIRMED, [payment(0, 0), payment(0, 0)], False),
        (CANCELLED, [payment(TOTAL.minor, TOTAL.minor)], True),
        (CANCELLED, [payment(0, 0)], False),
        (CANCELLED, [], True),
        (OrderStatus.CANCELLING, [payment(0, 0)], True),
    ],
)
def test_the_money_at_the_provider(status: OrderStatus, payments: list[PaymentStates], agrees: bool) -> None:
    assert a_report(status, *payments).provider_agrees is agrees


def test_money_that_was_booked_by_hand_is_not_known_to_the_provider() -> None:
    kept = payment(TOTAL.minor, 0)
    by_hand = "refund_payment: mark_done by anna, bank transfer 4711"
    assert a_report(CANCELLED, kept, resolved=by_hand).provider_agrees is None
    assert a_report(CANCELLED, kept, resolved="refund_payment: retry by anna").provider_agrees is False


def test_a_provider_that_was_not_asked() -> None:
    asked = a_report(CONFIRMED, payment(0, 0))
    assert replace(asked, payments=Answer(trouble="It cannot be reached.")).provider_agrees is None


def test_every_status_of_an_order_says_where_its_goods_are() -> None:
    assert set(GOODS) == set(OrderStatus)
    assert not a_report(CONFIRMED).goods_agree
    assert a_report(CANCELLED).goods_agree


def test_the_last_column_says_why_the_provider_does_not_agree_or_disagree(capsys: pytest.CaptureFixture[str]) -> None:
    by_hand = a_report(CANCELLED, payment(TOTAL.minor, 0), resolved="refund_payment: mark_done by anna, transfer 4711")
    print_report(by_hand)
    assert "│ by hand" in capsys.readouterr().out
    print_report(replace(by_hand, payments=Answer(trouble="It cannot be reached.")))
    assert "│ not asked" in capsys.readouterr().out
