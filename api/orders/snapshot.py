"""What a waiting request looks at: an order with what its answer is about, and whether it rests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from starlette.concurrency import run_in_threadpool

from services.bootstrap import Services
from services.errors import InvalidTransition
from services.orders.views import OrderStatus, OrderView
from services.payments.views import PaymentView
from services.reservations.views import ReservationView

ENDING = (OrderStatus.CANCELLING, OrderStatus.CANCELLED)
PAID = (OrderStatus.PAID, OrderStatus.CONFIRMED)


@dataclass(frozen=True)
class Seen:
    """An order, with its reservation or its last payment where those matter."""

    order: OrderView
    reservation: ReservationView | None = None
    payment: PaymentView | None = None

    @property
    def over(self) -> bool:
        """Nothing goes forward any more without a person: the order is closing, closed, or asks for one."""
        return self.order.closed or self.order.status in ENDING or self.order.needs_attention

    @property
    def waits_outside(self) -> bool:
        """Whether the provider has the payment, and waits for somebody itself."""
        payment = self.payment
        return payment is not None and payment.status == "pending" and payment.provider_id is not None

    @property
    def rests(self) -> bool:
        """Whether the order rests (contract, section 3); not while a charge is under way."""
        return self.order.rests and (self.order.status is not OrderStatus.PAYMENT_PENDING or self.waits_outside)


Look = Callable[[], Awaitable[Seen]]


def whole(services: Services, order_id: UUID, buyer: UUID | None) -> Look:
    """Looks at the order, and at its payment while that is pending."""

    def look() -> Seen:
        order = services.orders.get(order_id, buyer)
        pending = order.status is OrderStatus.PAYMENT_PENDING
        return Seen(order, payment=last_payment(services, order_id) if pending else None)

    return lambda: run_in_threadpool(look)


def with_reservation(services: Services, order_id: UUID, buyer: UUID | None) -> Look:
    """Looks at the order and its reservation."""

    def look() -> Seen:
        order = services.orders.get(order_id, buyer)
        return Seen(order, reservation=services.reservations.find(order_id))

    return lambda: run_in_threadpool(look)


def with_payment(services: Services, order_id: UUID, buyer: UUID | None) -> Look:
    """Looks at the order and its last payment."""

    def look() -> Seen:
        order = services.orders.get(order_id, buyer)
        return Seen(order, payment=last_payment(services, order_id))

    return lambda: run_in_threadpool(look)


def last_payment(services: Services, order_id: UUID) -> PaymentView | None:
    """The order's newest payment."""
    payments = services.payments.of_order(order_id)
    return payments[-1] if payments else None


def closed(order: OrderView) -> InvalidTransition:
    """The refusal of a step of an order that has ended, or is about to."""
    return InvalidTransition(f"The order is {order.status}.", cancelReason=order.cancel_reason)
