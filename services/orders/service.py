"""The rules of placing, reading, paying and cancelling orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services import tracing
from services.clock import new_id
from services.db import Database, Executor, retried
from services.errors import (
    Invalid,
    InvalidTransition,
    NotFound,
    PaymentExists,
    TooManyOpenOrders,
    Unauthenticated,
)
from services.idempotency import EarlierRequest, IdempotentRequest, remember
from services.money import Money
from services.order_number import end_of_id
from services.orders import outbox_repository, repository, shaping, transitions_repository
from services.orders.contacts import phone_of
from services.orders.event_log import log_event
from services.orders.holds import HoldLimit, HoldRule
from services.orders.pricing import Line, priced
from services.orders.start_input import OrderInput
from services.orders.status import (
    CLOSING,
    FOR_OPERATORS,
    PAID,
    CancelReason,
    OperatorAction,
    OrderEventType,
    OrderStatus,
)
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
)
from services.secrets import Vault


class OrderService:
    """What people do with orders; the steps of their workflow are in `OrderTransitions`."""

    def __init__(self, database: Database, vault: Vault, policy: Policy) -> None:
        self._database = database
        self._vault = vault
        self._policy = policy
        self._holds = HoldRule(policy.hold_max_share, policy.hold_max_units)

    @retried
    def place(self, new: NewOrder, idempotent: IdempotentRequest | None = None) -> Placed:
        """Store an order with its prices frozen, its first event and its start command (contract, `POST /orders`).

        Raises ProductUnavailable, CurrencyMismatch, Invalid (a total out of bounds, or that the payment method cannot
        pay), OutOfStock, PriceChanged, TooManyOpenOrders, HoldLimit, IdempotencyKeyReused, IdempotencyInProgress;
        Unauthenticated when the account was erased meanwhile.
        """
        order_id = new_id()
        with self._database.transaction() as tx:
            replay = remember(tx, idempotent, order_id, 201)
            if replay:
                stored = self._row_of(tx, replay.resource_id)
                return Placed(shaping.order(stored), stored.start_input, replayed=True)
            # Of several requests each counts the orders of those before it, and one that comes after an erasure stops.
            repository.lock_buyer(tx, new.buyer_id)
            # Nothing is waited for between this and the commit, and the order's time is that of the transaction's
            # start: an order placed after a change of a price has the new one. The rows of the products are not locked,
            # because an import of the whole catalog would make every order wait until it has ended.
            priced_lines, total = priced(new, new.products(tx, list(new.quantities)))
            if new.check_total:
                new.check_total(total, len(priced_lines))
            self._check_limits(tx, new, priced_lines)
            row = self._row(order_id, new, total)
            lines = [(product.id, product.name, product.price.minor, quantity) for product, quantity in priced_lines]
            created_at = repository.insert(tx, row, lines)
            if created_at is None:
                raise Unauthenticated()
            log_event(tx, order_id, "placed", amount_minor=row["total_minor"])
            return Placed(shaping.placed(row, lines, created_at), row["start_input"], replayed=False)

    def get(self, order_id: UUID, buyer_id: UUID | None = None) -> OrderView:
        """An order, of this buyer or (None) of anybody. Raises NotFound."""
        return self._view(self._database, order_id, buyer_id)

    def numbered(self, number: str) -> list[UUID]:
        """The orders with this number (`9F3A-21C4`), newest first; more than one is rare. Raises Invalid: no number."""
        try:
            return repository.numbered(self._database, end_of_id(number))
        except ValueError:
            raise Invalid("This is no order number: it has eight digits, such as 9F3A-21C4.") from None

    def contact_phone(self, order_id: UUID) -> str | None:
        """The phone number (E.164) that was given with the order, if any. Raises NotFound."""
        return phone_of(self._vault, self._row_of(self._database, order_id).contact, order_id)

    def start_input(self, order_id: UUID) -> Mapping[str, Any]:
        """What the order's workflow is started with. Raises NotFound."""
        stored: Mapping[str, Any] = self._row_of(self._database, order_id).start_input
        return stored

    def has_paid(self, buyer_id: UUID) -> bool:
        """Whether the buyer has paid an order, at any time."""
        return repository.has_paid(self._database, buyer_id)

    def list_orders(self, wanted: OrderFilter, after: UUID | None, limit: int) -> list[OrderSummary]:
        """A page of orders, newest first; `after` is the last id of the page before."""
        return [shaping.summary(row) for row in repository.page(self._database, wanted, after, limit)]

    def events(self, order_id: UUID, buyer_id: UUID | None = None, after: int = 0) -> list[EventView]:
        """The timeline after an event's id; the buyer does not see what is for operators. Raises NotFound."""
        self._view(self._database, order_id, buyer_id)
        without = FOR_OPERATORS if buyer_id else ()
        return [shaping.event(row) for row in repository.events(self._database, order_id, after, without)]

    @retried
    def give_method(
        self,
        order_id: UUID,
        buyer_id: UUID | None,
        method: PaymentMethod,
        idempotent: IdempotentRequest | None = None,
        status: int = 0,
        *,
        return_url: str | None = None,
    ) -> EarlierRequest | None:
        """Keep a way to pay for an order that waits for one, and tell its workflow; once for each `idempotent`.

        `status` is that of the response, 0 when it is not known yet; `return_url` replaces that of the order.
        Returns the earlier request with the same key.

        Raises NotFound, InvalidTransition (cancelled or about to be), PaymentExists (paid, or a payment is under way);
        and as `idempotency.remember`.
        """
        with self._database.transaction() as tx:
            order = self._view(tx, order_id, buyer_id, lock=True)
            if earlier := remember(tx, idempotent, order_id, status):
                return earlier
            if order.status in CLOSING:
                raise InvalidTransition(f"The order is {order.status}: it takes no payment.")
            if repository.has_method(tx, order_id) or order.status in PAID:
                raise PaymentExists("A payment of this order is under way, or has paid it.")
            repository.give_method(tx, order_id, method.kind, self._sealed(method), return_url)
            given = repository.count_methods(tx, order_id) + 1
            entry = TimelineEntry(OrderEventType.PAYMENT_METHOD_GIVEN, f"method:{given}")
            transitions_repository.note(tx, order_id, entry)
            outbox_repository.command(tx, order_id, "payment_method_given", f"payment_method_given:{given}", {})
            return None

    @retried
    def request_cancel(
        self,
        order_id: UUID,
        buyer_id: UUID | None,
        reason: CancelReason = CancelReason.BUYER_REQUEST,
        cancel_note: str | None = None,
        by: str | None = None,
    ) -> OrderView:
        """Move the order to `cancelling` by a guarded update, and command its workflow to stop. Repeatable.

        `by`: the operator who does it, for the timeline; None: it is the buyer, or no person.
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
                if by:
                    _record_action(tx, order_id, OperatorAction.CANCEL, "cancel", by, cancel_note or "")
            order = self._view(tx, order_id, buyer_id)
            if order.status == OrderStatus.CONFIRMED:
                raise InvalidTransition("The order is confirmed: it can no longer be cancelled.")
            return order

    @retried
    def record_action(self, order_id: UUID, action: OperatorAction, key: str, by: str, note: str = "") -> None:
        """Write on the timeline, for operators, what the operator `by` did with an order; once a key."""
        _record_action(self._database, order_id, action, key, by, note)

    @retried
    def notice_payment(self, order_id: UUID, payment_id: UUID, key: str, *, late: bool = False) -> None:
        """Command the order's workflow to ask the provider about a payment; once a key.

        Nothing is written about the payment that has already paid the order, or for an order that a restore has lost.
        `late`: the payment was given up before, so its money pays nothing, whether the order is open or not: it is to
        be sent back.
        """
        state = transitions_repository.find_state(self._database, order_id)
        if state is None or (state.paid_by == payment_id and state.status in PAID):
            return
        name = "late_payment" if late else "payment_updated"
        arguments = {"payment_id": str(payment_id)}
        outbox_repository.command(self._database, order_id, name, f"payment_updated:{key}", arguments)

    @retried
    def notice_refund(self, order_id: UUID, payment_id: UUID, key: str) -> None:
        """Command the workflows that wait for a refund of this payment to look at it; once a key.

        These are the workflow of an order that is being cancelled, and the one that refunds a late payment. The
        payment that has paid the order is refunded by no workflow but the order's.
        """
        state = transitions_repository.find_state(self._database, order_id)
        if state is None:
            return
        arguments = {"payment_id": str(payment_id)}
        waiting = {
            "payment_updated": state.status is OrderStatus.CANCELLING,
            "refund_updated": state.paid_by != payment_id,
        }
        for name in (name for name, waits in waiting.items() if waits):
            outbox_repository.command(self._database, order_id, name, f"{name}:{key}", arguments)

    def _view(self, tx: Executor, order_id: UUID, buyer_id: UUID | None = None, *, lock: bool = False) -> OrderView:
        return shaping.order(self._row_of(tx, order_id, buyer_id, lock=lock))

    def _row_of(self, tx: Executor, order_id: UUID, buyer_id: UUID | None = None, *, lock: bool = False) -> Any:
        row = repository.find(tx, order_id, buyer_id, lock=lock)
        if row is None:
            raise NotFound("There is no such order.")
        return row

    def _check_limits(self, tx: Executor, new: NewOrder, lines: Sequence[Line]) -> None:
        most, rule = self._policy.max_unpaid, self._holds
        if not most and not rule.limits:
            return
        unpaid, held = repository.unpaid(tx, new.buyer_id, list(new.quantities))
        if most and unpaid >= most:
            raise TooManyOpenOrders(f"{most} orders are waiting to be paid: pay or cancel one first.", retry_after=60)
        stock = {product.id: product.unsold for product, _ in lines if product.unsold is not None}
        if rule.limits and rule.over(new.quantities, held, stock, paid_before=False):
            paid_before = repository.has_paid(tx, new.buyer_id)
            if over := rule.over(new.quantities, held, stock, paid_before=paid_before):
                raise HoldLimit(over)

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
            "postal_code": new.address.postal_code,
            "return_url": new.return_url,
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
            units=sum(new.quantities.values()),
            method=new.method.kind if new.method else "",
            traceparent=tracing.traceparent(),
        )

    def _sealed(self, method: PaymentMethod) -> bytes:
        return self._vault.seal({method.kind: method.card or method.phone})


def _record_action(tx: Executor, order_id: UUID, action: OperatorAction, key: str, by: str, note: str) -> None:
    detail = f"{action} by {by}{f', {note}' if note else ''}"
    entry = TimelineEntry(OrderEventType.OPERATOR_ACTION, f"operator:{key}", detail)
    transitions_repository.note(tx, order_id, entry)
