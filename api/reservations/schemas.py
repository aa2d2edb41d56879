"""Schemas of the reservation operations."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import Field

from api.requests.fields import Body, Id, Quantity, Shape, Utc
from services.reservations.status import ReservationStatus

#: Lines of one request, and product ids in one query (G5, T80).
MAX_LINES = 100


class NewReservationLine(Body):
    """A product and the quantity to reserve."""

    product_id: Id
    quantity: Quantity


class CreateReservation(Body):
    """The products that an order needs. Lines of one product are summed."""

    order_id: Id
    items: Annotated[list[NewReservationLine], Field(min_length=1, max_length=MAX_LINES)]


class ReservationState(Shape):
    """The status of a reservation."""

    reservation_id: UUID
    status: ReservationStatus


class ReservationLine(Shape):
    """A product and its reserved quantity."""

    product_id: UUID
    reserved_quantity: int


class Reservation(ReservationState):
    """A reservation."""

    order_id: UUID
    items: list[ReservationLine]
    created_at: Utc
    expires_at: Utc | None = Field(description="When the reserved stock is released. Null when it does not expire.")
