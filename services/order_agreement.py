"""Whether the payment provider and the goods agree with an order."""

from __future__ import annotations

from collections.abc import Sequence

from services.orders.status import OrderEventType, OrderStatus, ResolveAction
from services.orders.views import EventView, OrderView
from services.payments.provider_states import PaymentStates
from services.reservations.status import ReservationStatus
from services.reservations.views import ReservationView

_O, _R = OrderStatus, ReservationStatus
#: The states of the goods that agree with the status of an order; None: there is no reservation.
GOODS: dict[OrderStatus, frozenset[ReservationStatus | None]] = {
    _O.CREATED: frozenset({None, _R.RESERVED}),
    _O.RESERVED: frozenset({_R.RESERVED, _R.EXPIRED}),
    _O.PAYMENT_PENDING: frozenset({_R.RESERVED}),
    _O.PAID: frozenset({_R.RESERVED}),
    _O.CONFIRMED: frozenset({_R.CONFIRMED}),
    _O.CANCELLING: frozenset({None, _R.RESERVED, _R.RELEASED, _R.EXPIRED}),
    _O.CANCELLED: frozenset({None, _R.RELEASED, _R.EXPIRED}),
}


def provider_agrees(
    order: OrderView, timeline: Sequence[EventView], payments: Sequence[PaymentStates] | None
) -> bool | None:
    """Whether the provider has the money that our tables say, and that the order should keep.

    None: it was not asked, or an operator has booked what was done by hand, which the provider does not know.
    """
    if payments is None or _by_hand(timeline):
        return None
    kept = sum(each.kept_at_provider.minor for each in payments)
    most = 0 if order.status is OrderStatus.CANCELLED else order.total.minor
    return all(each.agree for each in payments) and kept <= most


def goods_agree(order: OrderView, goods: ReservationView | None) -> bool:
    """Whether the goods are where the status of the order says."""
    return (goods.status if goods else None) in GOODS[order.status]


def _by_hand(timeline: Sequence[EventView]) -> bool:
    resolved = (event.detail or "" for event in timeline if event.type is OrderEventType.RESOLVED)
    return any(not decision.partition(": ")[2].startswith(ResolveAction.RETRY) for decision in resolved)
