"""Transitions of reservations that a caller asks for: allowed only when the state of the order agrees."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends

from api.dependencies import CurrentSettings, Orders, Reservations
from services.errors import InvalidTransition, NotFound, ReservationClosed, ReservationExists, ReservationExpired
from services.orders.service import OrderService
from services.orders.views import OrderStatus, OrderView
from services.reservations.service import ReservationService
from services.reservations.views import Item, ReservationView

_ENDING = (OrderStatus.CANCELLING, OrderStatus.CANCELLED)


@dataclass(frozen=True)
class ReservationTransitions:
    """Creates and ends reservations over reservations and orders; order ids without an order are accepted."""

    orders: OrderService
    reservations: ReservationService
    hold_seconds: int

    def hold(self, order_id: UUID, items: list[Item]) -> ReservationView:
        """Reserve the items. Raises ReservationClosed, ReservationExists, and what `ReservationService.hold` raises."""
        order = self._order(order_id)
        if order is not None:
            _check_items(order, items)
        return self.reservations.hold(order_id, items, self.hold_seconds)

    def confirm(self, reservation_id: UUID) -> ReservationView:
        """Confirm the reservation of a confirmed order. Raises NotFound, InvalidTransition."""
        found = self.reservations.get(reservation_id)
        order = self._order(found.order_id)
        if order is not None and order.status is not OrderStatus.CONFIRMED:
            raise InvalidTransition(
                f"The order is {order.status}: its reservation is confirmed when the order is confirmed."
            )
        try:
            return self.reservations.confirm(found.order_id)
        except ReservationExpired:
            raise InvalidTransition("The reservation has expired.") from None

    def release(self, reservation_id: UUID) -> ReservationView:
        """Release the reservation of an order that is being cancelled. Raises NotFound, InvalidTransition."""
        found = self.reservations.get(reservation_id)
        order = self._order(found.order_id)
        if order is not None and order.status not in _ENDING:
            raise InvalidTransition(f"The order is {order.status}: cancel it to release its reservation.")
        return self.reservations.release(found.order_id)

    def _order(self, order_id: UUID) -> OrderView | None:
        try:
            return self.orders.get(order_id)
        except NotFound:
            return None


def _check_items(order: OrderView, items: list[Item]) -> None:
    """An existing order reserves exactly its own lines, and only while it is open."""
    if order.status in (*_ENDING, OrderStatus.CONFIRMED):
        raise ReservationClosed(f"The order is {order.status}: nothing can be reserved for it.")
    wanted: Counter[UUID] = Counter()
    for item in items:
        wanted[item.product_id] += item.quantity
    if wanted != {line.product_id: line.quantity for line in order.lines}:
        raise ReservationExists("The order has other items.")


async def _transitions(orders: Orders, reservations: Reservations, settings: CurrentSettings) -> ReservationTransitions:
    return ReservationTransitions(orders, reservations, settings.hold_seconds)


Transitions = Annotated[ReservationTransitions, Depends(_transitions)]
