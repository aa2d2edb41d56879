"""The reservations service: holds all lines of an order or none, and releases or sells them exactly once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

import structlog

from services.clock import new_id
from services.db import Executor, retried
from services.errors import (
    Invalid,
    InvalidTransition,
    MarketError,
    NotFound,
    OutOfStock,
    ReservationClosed,
    ReservationExists,
    ReservationExpired,
    Unavailable,
)
from services.reservations.records import ShortageJson
from services.reservations.repository import ReservationRepository
from services.reservations.status import ReservationStatus
from services.reservations.stocks import Stocks
from services.reservations.views import Item, ReservationView

log = structlog.get_logger(__name__)

#: Largest number of lines of one reservation, as of one order (contract, section 1).
MAX_RESERVATION_LINES = 500
#: Largest total of one product in one reservation, in units: every line of an order at its largest quantity.
MAX_UNITS_PER_PRODUCT = 500_000_000


class ReservationService(Stocks):
    """One reservation per order and the stock that it moves.

    Every method is one transaction, or runs in the caller's when `tx` is given.
    """

    @retried
    def hold(
        self,
        order_id: UUID,
        items: Sequence[Item],
        hold_seconds: int,
        *,
        pinned: bool = False,
        tx: Executor | None = None,
    ) -> ReservationView:
        """Reserve every line or none, for `hold_seconds` seconds (without expiry when `pinned`).

        Lines of one product are summed. Repeating a hold with the same items returns the existing reservation, also
        when it is confirmed.
        Raises Invalid, OutOfStock, ReservationExists (other items), ReservationClosed (released or expired).
        """
        lines = _sum_by_product(items)
        if tx is not None:
            return self._hold(tx, order_id, lines, hold_seconds, pinned)
        with self._database.transaction() as own:
            return self._hold(own, order_id, lines, hold_seconds, pinned)

    @retried
    def pin(self, order_id: UUID, tx: Executor | None = None) -> ReservationView:
        """Stop the hold from expiring by itself because a payment starts. Idempotent.

        Raises NotFound, ReservationExpired, ReservationClosed (released).
        """
        repository = ReservationRepository(tx or self._database)
        return repository.pin(order_id) or _find_confirmed(repository, order_id)

    @retried
    def extend(self, order_id: UUID, until_seconds: int, tx: Executor | None = None) -> ReservationView:
        """Move the expiry of the hold to `until_seconds` seconds from now; it is never moved earlier.

        Raises NotFound, ReservationExpired, ReservationClosed (released).
        """
        repository = ReservationRepository(tx or self._database)
        return repository.extend(order_id, until_seconds) or _find_confirmed(repository, order_id)

    @retried
    def confirm(self, order_id: UUID, tx: Executor | None = None) -> ReservationView:
        """Sell what is held. Idempotent; always succeeds for a pinned hold.

        Raises NotFound, ReservationExpired, InvalidTransition (released).
        """
        repository = ReservationRepository(tx or self._database)
        return repository.confirm(order_id) or _find_confirmed(repository, order_id, InvalidTransition)

    @retried
    def release(self, order_id: UUID) -> ReservationView:
        """Return what is held to stock. Idempotent; an expired hold stays expired.

        Without a reservation it inserts a tombstone, because an abandoned `hold` may still be executed later.
        Raises InvalidTransition (confirmed).
        """
        repository = ReservationRepository(self._database)
        return repository.release(order_id) or _find_released(repository, order_id)

    @retried
    def restock(self, order_id: UUID) -> bool:
        """Return the sold goods of a refunded order to stock, once; whether this call did it.

        The reservation stays confirmed: it was sold, and came back.
        """
        restocked = ReservationRepository(self._database).restock(order_id)
        if restocked:
            log.info("reservations.restocked", order_id=str(order_id))
        return restocked

    def get(self, reservation_id: UUID) -> ReservationView:
        """The reservation. Raises NotFound."""
        found = ReservationRepository(self._database).find(reservation_id)
        if found is None:
            raise NotFound("Reservation not found.")
        return found

    def find(self, order_id: UUID) -> ReservationView | None:
        """The order's reservation, or None."""
        return ReservationRepository(self._database).find_by_order(order_id)

    def holds_goods(self, order_id: UUID, tx: Executor | None = None) -> bool:
        """Whether units of the stock are held or sold for the order: also by a hold that is over and not swept yet."""
        return ReservationRepository(tx or self._database).holds_goods(order_id)

    @retried
    def sweep(self, limit: int = 500) -> int:
        """End up to `limit` expired holds and return their units to stock; sweeps may run concurrently."""
        ended = ReservationRepository(self._database).sweep(limit)
        if ended:
            log.info("reservations.swept", ended=ended)
        return ended

    def _hold(
        self, tx: Executor, order_id: UUID, lines: tuple[Item, ...], hold_seconds: int, pinned: bool
    ) -> ReservationView:
        repository = ReservationRepository(tx)
        reservation_id = new_id()
        held = repository.take(reservation_id, order_id, lines, hold_seconds, pinned)
        if held is None:
            return _existing(repository, order_id, lines, pinned)
        if held.shortages:
            raise OutOfStock([_problem_of(shortage) for shortage in held.shortages])
        status, expires = ReservationStatus.RESERVED, held.expires_at
        return ReservationView(reservation_id, order_id, status, lines, held.created_at, expires, pinned, is_new=True)


def _sum_by_product(items: Sequence[Item]) -> tuple[Item, ...]:
    """One item per product, in the order of product ids. Checking lines one by one oversells (Medusa #16502)."""
    if not 1 <= len(items) <= MAX_RESERVATION_LINES:
        raise Invalid(f"A reservation has 1 to {MAX_RESERVATION_LINES} lines.", pointer="/items")
    units: Counter[UUID] = Counter()
    for index, item in enumerate(items):
        if item.quantity < 1:
            raise Invalid("A quantity must be at least 1.", pointer=f"/items/{index}/quantity")
        units[item.product_id] += item.quantity
        if units[item.product_id] > MAX_UNITS_PER_PRODUCT:
            raise Invalid("This is more than one reservation can hold.", pointer=f"/items/{index}/quantity")
    return tuple(sorted(Item(product_id, quantity) for product_id, quantity in units.items()))


def _problem_of(shortage: ShortageJson) -> dict[str, object]:
    return {
        "productId": shortage["product_id"],
        "wanted": shortage["wanted"],
        "available": shortage["available"],
    }


def _existing(
    repository: ReservationRepository, order_id: UUID, lines: tuple[Item, ...], pinned: bool
) -> ReservationView:
    """The order's earlier reservation, when it has the same items; pinned when `pinned`."""
    found = _find(repository, order_id)
    if found.status in (ReservationStatus.RELEASED, ReservationStatus.EXPIRED):
        raise ReservationClosed(f"This order's reservation is {found.status}. Place a new order.")
    if found.items != lines:
        if found.status is ReservationStatus.CONFIRMED:
            raise ReservationClosed("This order's reservation is confirmed. Place a new order for more.")
        raise ReservationExists("This order has a reservation with other items.")
    return (repository.pin(order_id) or found) if pinned and not found.pinned else found


def _find_confirmed(
    repository: ReservationRepository, order_id: UUID, released: type[MarketError] = ReservationClosed
) -> ReservationView:
    """The confirmed reservation of an order without a live hold.

    Raises NotFound, ReservationExpired, Unavailable (changed concurrently), and `released` when it is released.
    """
    found = _find(repository, order_id)
    match found.status:
        case ReservationStatus.CONFIRMED:
            return found
        case ReservationStatus.RELEASED:
            raise released("This order's reservation is released.")
        case ReservationStatus.EXPIRED:
            raise ReservationExpired("The hold expired without a payment. Place a new order.")
        case ReservationStatus.RESERVED:
            raise Unavailable(_CHANGED)


def _find_released(repository: ReservationRepository, order_id: UUID) -> ReservationView:
    """The released or expired reservation of an order that holds nothing; a tombstone when it has none."""
    found = repository.find_by_order(order_id) or repository.insert_tombstone(new_id(), order_id)
    if found is None or found.status is ReservationStatus.RESERVED:
        raise Unavailable(_CHANGED)
    if found.status is ReservationStatus.CONFIRMED:
        raise InvalidTransition("This order's reservation is confirmed and cannot be released.")
    return found


def _find(repository: ReservationRepository, order_id: UUID) -> ReservationView:
    found = repository.find_by_order(order_id)
    if found is None:
        raise NotFound("This order has no reservation.")
    return found


# Another transaction may commit between two statements of this one; `retried` then repeats the method.
_CHANGED = "The reservation changed concurrently."
