"""Creating a payment: gives the order its payment method, then waits for the payment that its workflow creates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.concurrency import run_in_threadpool

from api.dependencies import Orders, Payments
from api.orders.snapshot import ENDING, OrderSnapshot, SnapshotReader, Snapshots, closed
from api.orders.waiting import LongPoll, LongPolling
from services.errors import AmountMismatch, CurrencyMismatch, InvalidTransition, ReservationExpired
from services.idempotency import IdempotentRequest
from services.money import Money
from services.orders.service import OrderService
from services.orders.views import CancelReason, OrderView, PaymentMethod
from services.payments.service import PaymentService
from services.payments.views import PaymentView

_EXPIRED = (CancelReason.RESERVATION_EXPIRED, CancelReason.PAYMENT_EXPIRED)


@dataclass(frozen=True)
class CreatedPayment:
    """The payment, None while the workflow has not created it; `replayed` when an earlier request had the effect."""

    payment: PaymentView | None
    replayed: bool


@dataclass(frozen=True)
class PaymentCreation:
    """Creates payments over orders and their snapshots."""

    orders: OrderService
    payments: PaymentService
    snapshots: SnapshotReader
    long_polling: LongPolling

    async def create(
        self, order_id: UUID, amount: Money, method: PaymentMethod, request: IdempotentRequest | None, wait: float
    ) -> CreatedPayment:
        """Pay the order's total by this method; waits up to `wait` seconds for the outcome.

        Raises NotFound, AmountMismatch, CurrencyMismatch, Invalid (the method cannot pay it), ReservationExpired,
        InvalidTransition and what `OrderService.give_method` raises.
        """
        read = partial(self.snapshots.read_with_payment, order_id, None)
        before = await run_in_threadpool(read)
        _check_amount(before.order, amount)
        pointer = "/cardToken" if method.card else "/phone"
        self.payments.check_method(method.kind, amount, len(before.order.lines), pointer)
        replayed = await run_in_threadpool(self._give_method, order_id, method, request)
        old = before.payment.id if before.payment and not replayed else None
        after = await self.long_polling.until(order_id, read, lambda seen: _is_known(seen, old), wait)
        payment = after.payment if after.payment and after.payment.id != old else None
        if payment is None and after.order.status in ENDING:
            raise closed(after.order)
        return CreatedPayment(payment, replayed)

    def _give_method(self, order_id: UUID, method: PaymentMethod, request: IdempotentRequest | None) -> bool:
        try:
            return self.orders.give_method(order_id, None, method, request, 201) is not None
        except InvalidTransition:
            order = self.orders.get(order_id)
            if order.cancel_reason in _EXPIRED:
                raise ReservationExpired("The time to pay has expired. Place a new order.") from None
            raise closed(order) from None


def _check_amount(order: OrderView, amount: Money) -> None:
    if amount.currency != order.total.currency:
        raise CurrencyMismatch("The order has another currency.", pointer="/currency")
    if amount != order.total:
        raise AmountMismatch("The amount of a payment must equal the order's total.", pointer="/amount")


def _is_known(seen: OrderSnapshot, old: UUID | None) -> bool:
    payment = seen.payment
    if payment is None or payment.id == old:
        return seen.stopped
    return seen.stopped or seen.awaits_provider or not payment.undecided


async def _creation(orders: Orders, payments: Payments, snapshots: Snapshots, long_poll: LongPoll) -> PaymentCreation:
    return PaymentCreation(orders, payments, snapshots, long_poll)


Creation = Annotated[PaymentCreation, Depends(_creation)]
