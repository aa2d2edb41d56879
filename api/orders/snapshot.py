"""Snapshots of an order, with its reservation or newest payment, that long-polling requests compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.dependencies import Orders, Payments, Reservations
from services.errors import InvalidTransition
from services.orders.service import OrderService
from services.orders.views import OrderStatus, OrderView
from services.payments.service import PaymentService
from services.payments.views import PaymentView
from services.reservations.service import ReservationService
from services.reservations.views import ReservationView

ENDING = (OrderStatus.CANCELLING, OrderStatus.CANCELLED)
PAID = (OrderStatus.PAID, OrderStatus.CONFIRMED)


#: Types of events after which an order goes on by itself.
_PASSING = frozenset({"reserved", "payment_pending", "paid", "cancelling"})


def passing_events(order: OrderView) -> frozenset[str]:
    """The types of events after which no snapshot of this order is `idle`: a waiting request need not read it."""
    return _PASSING if order.method else _PASSING - {"reserved"}


@dataclass(frozen=True)
class OrderSnapshot:
    """An order, with its reservation or its newest payment where the request needs them."""

    order: OrderView
    reservation: ReservationView | None = None
    payment: PaymentView | None = None

    @property
    def stopped(self) -> bool:
        """Whether the order makes no progress by itself: it is ending, closed, or needs attention."""
        return self.order.closed or self.order.status in ENDING or self.order.needs_attention

    @property
    def awaits_provider(self) -> bool:
        """Whether the payment provider has the payment and waits for the buyer."""
        payment = self.payment
        return payment is not None and payment.status == "pending" and payment.provider_id is not None

    @property
    def idle(self) -> bool:
        """Whether no step is under way (contract, section 3): the order waits for a person, the provider or nothing."""
        return self.order.is_idle and (self.order.status is not OrderStatus.PAYMENT_PENDING or self.awaits_provider)


@dataclass(frozen=True)
class SnapshotReader:
    """Reads snapshots; `buyer` limits them to that buyer's orders. All methods raise NotFound."""

    orders: OrderService
    reservations: ReservationService
    payments: PaymentService

    def read(self, order_id: UUID, buyer: UUID | None) -> OrderSnapshot:
        """The order, with its payment while that is pending."""
        order = self.orders.get(order_id, buyer)
        pending = order.status is OrderStatus.PAYMENT_PENDING
        return OrderSnapshot(order, payment=self._newest_payment(order_id) if pending else None)

    def read_with_reservation(self, order_id: UUID, buyer: UUID | None) -> OrderSnapshot:
        """The order and its reservation."""
        order = self.orders.get(order_id, buyer)
        return OrderSnapshot(order, reservation=self.reservations.find(order_id))

    def read_with_payment(self, order_id: UUID, buyer: UUID | None) -> OrderSnapshot:
        """The order and its newest payment."""
        order = self.orders.get(order_id, buyer)
        return OrderSnapshot(order, payment=self._newest_payment(order_id))

    def _newest_payment(self, order_id: UUID) -> PaymentView | None:
        payments = self.payments.of_order(order_id)
        return payments[-1] if payments else None


async def _reader(orders: Orders, reservations: Reservations, payments: Payments) -> SnapshotReader:
    return SnapshotReader(orders, reservations, payments)


Snapshots = Annotated[SnapshotReader, Depends(_reader)]


def closed(order: OrderView) -> InvalidTransition:
    """The error of a step of an order that has ended or is being cancelled."""
    return InvalidTransition(f"The order is {order.status}.", cancelReason=order.cancel_reason)
