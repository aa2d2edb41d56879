"""Compares an order with what the payment provider says of its payments, and with its reservation; for operators."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from fastapi import Request
from pydantic import Field

from api.access.operation_router import OperationRouter
from api.dependencies import Orders, Payments, Reservations
from api.requests.fields import OrderId, Shape
from api.state import state_of
from services import order_agreement
from services.errors import Unavailable
from services.money import Money
from services.orders.status import OrderStatus
from services.payments.provider_states import PaymentStates, ProviderStates
from services.payments.status import PaymentStatus
from services.payments.views import PaymentView
from services.reservations.status import ReservationStatus

router = OperationRouter(prefix="/orders", tags=["Orders"])


class ProviderStatus(StrEnum):
    """The status of a payment at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class ProviderState(Shape):
    """A payment as the provider reports it."""

    provider_id: str
    status: ProviderStatus
    captured: str
    refunded: str


class ComparedPayment(Shape):
    """A payment in our tables and at the provider."""

    payment_id: UUID
    attempt: int
    status: PaymentStatus
    captured: str
    refunded: str
    captured_late: bool = Field(description="Captured after the order had given it up: it is refunded by itself.")
    failure_code: str | None
    provider: ProviderState | None = Field(description="Null when the provider has no such payment, or did not answer.")


class ComparedReservation(Shape):
    """Where the goods are."""

    reservation_id: UUID
    status: ReservationStatus
    units: int


class OrderComparison(Shape):
    """An order, its money at the provider, and its goods."""

    order_id: UUID
    status: OrderStatus
    total_amount: str
    currency: str
    payments: list[ComparedPayment] = Field(description="First attempt first.")
    provider_answered: bool
    provider_agrees: bool | None = Field(
        description="Null when the provider did not answer, or an operator booked something that it does not know."
    )
    reservation: ComparedReservation | None
    goods_agree: bool


@router.get(
    "/{orderId}/comparison", operation_id="compareOrder", summary="Compare an order with the provider and the goods"
)
def compare_order(
    request: Request, order_id: OrderId, orders: Orders, payments: Payments, reservations: Reservations
) -> OrderComparison:
    """Asks the provider about each payment and changes nothing. 200 also when the provider does not answer."""
    order = orders.get(order_id)
    states = _asked(state_of(request.app).services.provider_states, order_id)
    goods = reservations.find(order_id)
    return OrderComparison(
        order_id=order.id,
        status=order.status,
        total_amount=order.total.text,
        currency=order.total.currency,
        payments=[_payment(each.ours, each) for each in states]
        if states is not None
        else [_payment(each, None) for each in payments.of_order(order_id)],
        provider_answered=states is not None,
        provider_agrees=order_agreement.provider_agrees(order, orders.events(order_id), states),
        reservation=goods
        and ComparedReservation(
            reservation_id=goods.id, status=goods.status, units=sum(item.quantity for item in goods.items)
        ),
        goods_agree=order_agreement.goods_agree(order, goods),
    )


def _asked(provider: ProviderStates, order_id: UUID) -> list[PaymentStates] | None:
    try:
        return provider.of_order(order_id)
    except Unavailable:
        return None


def _payment(ours: PaymentView, states: PaymentStates | None) -> ComparedPayment:
    currency, provider = ours.amount.currency, states.provider if states else None
    return ComparedPayment(
        payment_id=ours.id,
        attempt=ours.attempt,
        status=ours.status,
        captured=Money(ours.captured_minor, currency).text,
        refunded=Money(ours.refunded_minor, currency).text,
        captured_late=ours.captured_late,
        failure_code=ours.failure_code,
        provider=provider
        and ProviderState(
            provider_id=provider.provider_id,
            status=ProviderStatus(provider.outcome),
            captured=Money(provider.captured_minor, provider.amount.currency).text,
            refunded=Money(provider.refunded_minor, provider.amount.currency).text,
        ),
    )
