"""Holds goods for orders: all lines or none, given back or sold exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlmodel import Session

from services.clock import Clock, new_id
from services.db import Sessions, retried
from services.errors import (
    Invalid,
    InvalidTransition,
    NotFound,
    OutOfStock,
    ReservationClosed,
    ReservationExists,
    ReservationExpired,
    Unavailable,
)
from services.reservations.repository import ReservationRepository
from services.reservations.status import ReservationStatus
from services.reservations.views import Item, ReservationView, StockView

log = structlog.get_logger(__name__)

#: Most lines of one reservation, as of one order (contract, section 1).
MAX_LINES = 500
#: Most units of one product in one reservation: every line of an order at its most.
MAX_UNITS = 500_000_000


class ReservationService:
    """One reservation an order, and the stock that it moves; every method is one transaction."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions = sessions
        self._clock = clock

    @retried
    def hold(
        self, order_id: UUID, items: Sequence[Item], hold_seconds: int, *, pinned: bool = False
    ) -> ReservationView:
        """Reserve every line or none, for `hold_seconds` seconds (without end when `pinned`).

        Lines of one product are summed. The same order and items again give the reservation that stands, also when
        it is confirmed by now.
        Raises Invalid, OutOfStock, ReservationExists (other items), ReservationClosed (released or expired).
        """
        lines = _summed(items)
        with self._sessions.begin() as session:
            repository = self._repository(session)
            reservation_id = new_id()
            taken = repository.take(reservation_id, order_id, lines, hold_seconds, pinned)
            if taken is None:
                return _standing(repository, order_id, lines, pinned)
            if taken.short:
                raise OutOfStock([_shown(line) for line in taken.short])
            return ReservationView(
                reservation_id,
                order_id,
                ReservationStatus.RESERVED,
                lines,
                taken.created_at,
                taken.expires_at,
                pinned,
                is_new=True,
            )

    @retried
    def pin(self, order_id: UUID) -> ReservationView:
        """A payment starts: the hold no longer expires by itself. Repeatable.

        Raises NotFound, ReservationExpired, ReservationClosed (released).
        """
        with self._sessions.begin() as session:
            repository = self._repository(session)
            return repository.pin(order_id) or _kept(repository, order_id)

    @retried
    def extend(self, order_id: UUID, until_seconds: int) -> ReservationView:
        """Move the end of the hold to `until_seconds` seconds from now; it is never shortened.

        Raises NotFound, ReservationExpired, ReservationClosed (released).
        """
        with self._sessions.begin() as session:
            repository = self._repository(session)
            return repository.extend(order_id, until_seconds) or _kept(repository, order_id)

    @retried
    def confirm(self, order_id: UUID) -> ReservationView:
        """What is held is sold; a pinned hold cannot be refused. Repeatable.

        Raises NotFound, ReservationExpired, InvalidTransition (released).
        """
        with self._sessions.begin() as session:
            repository = self._repository(session)
            return repository.confirm(order_id) or _sold(repository, order_id)

    @retried
    def release(self, order_id: UUID) -> ReservationView:
        """Give back what is held. Repeatable; an expired hold stays expired.

        Of an order that never reserved it leaves a tombstone, because a hold that was given up may still be on its
        way. Raises InvalidTransition after confirm.
        """
        with self._sessions.begin() as session:
            repository = self._repository(session)
            return repository.give_back(order_id) or _released(repository, order_id)

    def get(self, reservation_id: UUID) -> ReservationView:
        """The reservation as it is now. Raises NotFound."""
        with self._sessions.begin() as session:
            found = self._repository(session).find(reservation_id)
        if found is None:
            raise NotFound("There is no such reservation.")
        return found

    def find(self, order_id: UUID) -> ReservationView | None:
        """The order's reservation as it is now, if it has one."""
        with self._sessions.begin() as session:
            return self._repository(session).find_by_order(order_id)

    @retried
    def sweep(self, limit: int = 500) -> int:
        """End up to `limit` holds past their time and give their goods back; several sweeps may run at once."""
        with self._sessions.begin() as session:
            ended = self._repository(session).sweep(limit)
        if ended:
            log.info("reservations.swept", ended=ended)
        return ended

    def stocks(self, product_ids: Sequence[UUID]) -> dict[UUID, StockView]:
        """Stock by product; a product without stock is left out."""
        with self._sessions.begin() as session:
            return {stock.product_id: stock for stock in self._repository(session).stocks(product_ids)}

    def list_stocks(self, after: UUID | None, limit: int) -> list[StockView]:
        """Up to `limit` products' stock, in the order of product ids, beginning behind `after`."""
        with self._sessions.begin() as session:
            return self._repository(session).list_stocks(after, limit)

    @retried
    def add_stocks(self, stocks: Sequence[tuple[UUID, int]]) -> int:
        """Give products that have no stock yet so many units; returns how many products were new. Raises Invalid."""
        if any(available < 0 for _, available in stocks):
            raise Invalid("Stock cannot be negative.", pointer="/stock")
        first = dict(reversed(stocks))
        with self._sessions.begin() as session:
            return self._repository(session).add_stocks(list(first), list(first.values()))

    @retried
    def set_stock(self, product_id: UUID, available: int) -> StockView:
        """Set how many units can still be reserved; what is reserved or sold stays. Raises Invalid."""
        if available < 0:
            raise Invalid("Stock cannot be negative.", pointer="/available")
        with self._sessions.begin() as session:
            return self._repository(session).set_stock(product_id, available)

    def _repository(self, session: Session) -> ReservationRepository:
        return ReservationRepository(session, self._clock.override())


def _summed(items: Sequence[Item]) -> tuple[Item, ...]:
    """One line a product, in product order. A shop that forgot to sum sold stock it did not have (Medusa #16502)."""
    if not 1 <= len(items) <= MAX_LINES:
        raise Invalid(f"A reservation has 1 to {MAX_LINES} lines.", pointer="/items")
    units: Counter[UUID] = Counter()
    for index, item in enumerate(items):
        if item.quantity < 1:
            raise Invalid("A quantity is at least 1.", pointer=f"/items/{index}/quantity")
        units[item.product_id] += item.quantity
        if units[item.product_id] > MAX_UNITS:
            raise Invalid("That is more than can be reserved at once.", pointer=f"/items/{index}/quantity")
    return tuple(sorted(Item(product_id, quantity) for product_id, quantity in units.items()))


def _shown(line: Mapping[str, Any]) -> dict[str, Any]:
    return {"productId": line["product_id"], "wanted": line["wanted"], "available": line["available"]}


def _standing(
    repository: ReservationRepository, order_id: UUID, lines: tuple[Item, ...], pinned: bool
) -> ReservationView:
    """The reservation that was there before, if it is what is wanted now."""
    found = _found(repository, order_id)
    if found.status in (ReservationStatus.RELEASED, ReservationStatus.EXPIRED):
        raise ReservationClosed(f"This order's reservation is {found.status}: place a new order.")
    if found.items != lines:
        if found.status is ReservationStatus.CONFIRMED:
            raise ReservationClosed("This order's reservation is confirmed: place a new order for more.")
        raise ReservationExists("This order has reserved other items.")
    return (repository.pin(order_id) or found) if pinned and not found.pinned else found


def _kept(repository: ReservationRepository, order_id: UUID) -> ReservationView:
    """Why there was no live hold to pin or to extend; a confirmed one needs neither."""
    found = _found(repository, order_id)
    if found.status is ReservationStatus.RELEASED:
        raise ReservationClosed("This order's reservation is released.")
    return _confirmed(found)


def _sold(repository: ReservationRepository, order_id: UUID) -> ReservationView:
    """Why there was no live hold to confirm."""
    found = _found(repository, order_id)
    if found.status is ReservationStatus.RELEASED:
        raise InvalidTransition("This order's reservation is released: it cannot be confirmed.")
    return _confirmed(found)


def _released(repository: ReservationRepository, order_id: UUID) -> ReservationView:
    """Nothing was held: it ended before, or never began."""
    found = repository.find_by_order(order_id) or repository.bury(new_id(), order_id)
    if found is None or found.status is ReservationStatus.RESERVED:
        raise Unavailable(_CHANGED)
    if found.status is ReservationStatus.CONFIRMED:
        raise InvalidTransition("This order's reservation is confirmed: it cannot be released.")
    return found


def _found(repository: ReservationRepository, order_id: UUID) -> ReservationView:
    found = repository.find_by_order(order_id)
    if found is None:
        raise NotFound("This order has no reservation.")
    return found


def _confirmed(found: ReservationView) -> ReservationView:
    if found.status is ReservationStatus.EXPIRED:
        raise ReservationExpired("The goods were held for too long without a payment: place a new order.")
    if found.status is ReservationStatus.RESERVED:
        raise Unavailable(_CHANGED)
    return found


# Between two statements of one transaction another may commit: `retried` looks again.
_CHANGED = "The reservation changed meanwhile."
