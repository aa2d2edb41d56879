"""Statuses of a reservation and their allowed transitions."""

from enum import StrEnum


class ReservationStatus(StrEnum):
    """`reserved → confirmed | released | expired` (contract, section 2)."""

    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"
