"""The rules of placing, reading, paying and cancelling orders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import (
    CurrencyMismatch,
    Invalid,
    InvalidTransition,
    NotFound,
    PaymentExists,
    ProductUnavailable,
    TooManyOpenOrders,
)
from services.idempotency import IdempotentRequest, remember
from services.money import MAX_MINOR, Money
from services.orders import outbox_repository, repository, shaping, transitions_repository
from services.orders.start_input import OrderInput
from services.orders.status import CLOSING, PAID, CancelReason, OrderEventType, OrderStatus
from services.orders.transitions_repository import TimelineEntry, Transition
from services.orders.views import (
    EventView,
    NewOrder,
    OrderFilter,
    OrderSummary,
    OrderView,
    PaymentMethod,
    Placed,
    Policy,
    Product,
)
from services.secrets import Vault


class OrderService:
    """What people do with orders; the steps of their workflow are in `OrderTransitions`."""

    def __init__(self, database: Database, vault: Vault, policy: Policy) -> None:
        self._database = database
        self._vault = vault
        self._policy = policy

    @retried
    def place(self, new: NewOrder, idempotent: IdempotentRequest | None = None) -> Placed:
        """Store an order with its prices frozen, its first event and its start command (contract, `POST /orders`).

        Raises ProductUnavailable, CurrencyMismatch, Invalid (a total out of bounds), TooManyOpenOrders,
        IdempotencyKeyReused, IdempotencyInProgress.
        """
        order_id = new_id()
        with self._database.transaction() as tx:
            replay = remember(tx, idempotent, order_id, 201)
            if replay:
                stored = self._row_of(tx, replay.resource_id)
                return Placed(shaping.order(stored), stored.start_input, replayed=True)
            ordered = _ordered(new)
            self._check_open_orders(tx, new.buyer_id)
            row = self._row(order_id, new, _total(ordered))
            lines = [(product.id, product.name, product.price.minor, quantity) for product, quantity in ordered]
            created_at = repository.insert(tx, row, lines)
            return Placed(shaping.placed(row, lines, created_at), row["start_input"], replayed=False)

    def get(self, order_id: UUID, buyer_id: UUID | None = None) -> OrderView:
        """An order, of this buyer or (None) of anybody. Raises NotFound."""
        return self._view(self._database, order_id, buyer_id)

    def start_input(self, order_id: UUID) -> Mapping[str, Any]:
        """What the order's workflow is started with. Raises NotFound."""
        stored: Mapping[str, Any] = self._row_of(self._database, order_id).start_input
        return stored

    def list_orders(self, wanted: OrderFilter, after: UUID | None, limit: int) -> list[OrderSummary]:
        """A page of orders, newest first; `after` is the last id of the page before."""
        values = {
            "buyer": wanted.buyer_id,
            "status": wanted.status,
            "created_from": wanted.created_from,
            "created_to": wanted.created_to,
            "attention": wanted.needs_attention,
            "after": after,
            "limit": limit,
        }
        return [shaping.summary(row) for row in repository.page(self._database, values)]

    def events(self, order_id: UUID, buyer_id: UUID | None = None, after: int = 0) -> list[EventView]:
        """The timeline after an event's id. Raises NotFound."""
        self._view(self._database, order_id, buyer_id)
        return [shaping.event(row) for row in repository.events(self._database, order_id, after)]

    @retried
    def give_method(
        self, order_id: UUID, buyer_id: UUID | None, method: PaymentMethod, idempotent: IdempotentRequest | None = None
    ) -> bool:
        """Keep a way to pay for an order that waits for one, and tell its workflow; True when `idempotent` did before.

        Raises NotFound, InvalidTransition (cancelled or about to be), PaymentExists (paid, or a payment is under way);
        and as `idempotency.remember`.
        """
        with self._database.transaction() as tx:
            order = self._view(tx, order_id, buyer_id, lock=True)
            if remember(tx, idempotent, order_id, 201):
                return True
            if order.status in CLOSING:
                raise InvalidTransition(f"The order is {order.status}: it takes no payment.")
            if repository.has_method(tx, order_id) or order.status in PAID:
                raise PaymentExists("A payment of this order is under way, or has paid it.")
            repository.give_method(tx, order_id, method.kind, self._sealed(method))
            given = repository.count_methods(tx, order_id) + 1
            entry = TimelineEntry(OrderEventType.PAYMENT_METHOD_GIVEN, f"method:{given}")
            transitions_repository.note(tx, order_id, entry)
            outbox_repository.command(tx, order_id, "payment_method_given", f"payment_method_given:{given}", {})
            return False

    @retried
    def request_cancel(
        self,
        order_id: UUID,
        buyer_id: UUID | None,
        reason: CancelReason = CancelReason.BUYER_REQUEST,
        cancel_note: str | None = None,
    ) -> OrderView:
        """Move the order to `cancelling` by a guarded update, and command its workflow to stop. Repeatable.

        Raises NotFound, InvalidTransition (confirmed).
        """
        with self._database.transaction() as tx:
            self._view(tx, order_id, buyer_id)
            transition = Transition(
                OrderStatus.CANCELLING, detail=reason, cancel_reason=reason, cancel_note=cancel_note
            )
            moved = transitions_repository.move(tx, order_id, transition)
            if moved:
                outbox_repository.command(tx, order_id, "cancel_requested", "cancel_requested", {})
            order = self._view(tx, order_id, buyer_id)
            if order.status == OrderStatus.CONFIRMED:
                raise InvalidTransition("The order is confirmed: it can no longer be cancelled.")
            return order

    @retried
    def notice_payment(self, order_id: UUID, payment_id: UUID, key: str, *, late: bool = False) -> None:
        """Command the order's workflow to ask the provider about a payment; once a key.

        Nothing is written about the payment that has already paid the order. `late`: the payment was
        given up before, so its money would pay nothing, whether the order is open or not: it is to be sent back.
        """
        state = transitions_repository.find_state(self._database, order_id)
        if state and state.paid_by == payment_id and state.status in PAID:
            return
        name = "late_payment" if late else "payment_updated"
        arguments = {"payment_id": str(payment_id)}
        outbox_repository.command(self._database, order_id, name, f"payment_updated:{key}", arguments)

    def _view(self, tx: Executor, order_id: UUID, buyer_id: UUID | None = None, *, lock: bool = False) -> OrderView:
        return shaping.order(self._row_of(tx, order_id, buyer_id, lock=lock))

    def _row_of(self, tx: Executor, order_id: UUID, buyer_id: UUID | None = None, *, lock: bool = False) -> Any:
        row = repository.find(tx, order_id, buyer_id, lock=lock)
        if row is None:
            raise NotFound("There is no such order.")
        return row

    def _check_open_orders(self, tx: Executor, buyer_id: UUID) -> None:
        if not self._policy.max_unpaid:
            return
        repository.lock_buyer(tx, buyer_id)
        if repository.count_unpaid(tx, buyer_id) >= self._policy.max_unpaid:
            raise TooManyOpenOrders(
                f"{self._policy.max_unpaid} orders are waiting to be paid: pay or cancel one first.", retry_after=60
            )

    def _row(self, order_id: UUID, new: NewOrder, total: Money) -> dict[str, Any]:
        method = new.method
        phone = method.phone if method else None
        return {
            "id": order_id,
            "buyer_id": new.buyer_id,
            "total_minor": total.minor,
            "currency": total.currency,
            "country": new.address.country,
            "region": new.address.region,
            "city": new.address.city,
            "street": new.address.street,
            "language": new.language,
            "method": method.kind if method else None,
            "payment_method": self._sealed(method) if method else None,
            "contact": self._vault.seal({"phone": phone}) if phone else None,
            "start_input": self._start_input(order_id, new, total).to_json(),
        }

    def _start_input(self, order_id: UUID, new: NewOrder, total: Money) -> OrderInput:
        policy = self._policy
        return OrderInput(
            order_id=order_id,
            buyer_id=new.buyer_id,
            total_minor=total.minor,
            currency=total.currency,
            has_method=new.method is not None,
            hold_seconds=policy.hold_seconds,
            payment_window=policy.payment_window,
            payment_attempts=policy.payment_attempts,
            attention_after=policy.attention_after,
            local_lane=policy.local_lane,
        )

    def _sealed(self, method: PaymentMethod) -> bytes:
        return self._vault.seal({method.kind: method.card or method.phone})


def _ordered(new: NewOrder) -> list[tuple[Product, int]]:
    if not new.quantities:
        raise Invalid("An order needs at least one product.", pointer="/items")
    missing = [key for key in new.quantities if key not in new.products or not new.products[key].is_active]
    if missing:
        raise ProductUnavailable(
            "Some products are not for sale.", products=[str(product_id) for product_id in missing]
        )
    return [(new.products[product_id], quantity) for product_id, quantity in new.quantities.items()]


def _total(ordered: list[tuple[Product, int]]) -> Money:
    currencies = {product.price.currency for product, _ in ordered}
    if len(currencies) > 1:
        raise CurrencyMismatch("All products of an order must have one currency.")
    minor = sum(product.price.minor * quantity for product, quantity in ordered)
    if not 1 <= minor <= MAX_MINOR:
        raise Invalid("The total of the order is out of bounds.", pointer="/items")
    return Money(minor, currencies.pop())
