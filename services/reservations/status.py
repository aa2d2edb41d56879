"""Statuses of a reservation and their allowed transitions, and the kinds of stock movements."""

from enum import StrEnum


class ReservationStatus(StrEnum):
    """The status of a reservation: `reserved → confirmed | released | expired`."""

    RESERVED = "reserved"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


class MovementKind(StrEnum):
    """What changed the total of a product's stock. Holds, releases and sales move units within it."""

    #: the total when the ledger of movements began
    OPENING = "opening"
    #: the first stock of a product
    FIRST = "first"
    #: the available units were set to a number
    SET = "set"
    #: units were added or taken by a relative change
    ADJUSTMENT = "adjustment"
    #: units of a refunded order came back
    RESTOCK = "restock"
