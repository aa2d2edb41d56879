"""Statuses of a reservation and their allowed transitions."""

from enum import StrEnum


class ReservationStatus(StrEnum):
    """The status of a reservation: `reserved → confirmed | released | expired`."""

    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"
