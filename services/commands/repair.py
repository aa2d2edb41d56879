"""`reconcile --repair`: what recovery does, and nothing else; and what of the database commands give to recovery."""

from __future__ import annotations

from services.commands.order_lookup import order_service, unkeyed_vault
from services.commands.temporal import RecoveryRows, recover_orders
from services.db import Database
from services.orders.recovery import OrderRecovery
from services.orders.transitions import OrderTransitions
from services.settings import Settings


def repair(database: Database, settings: Settings) -> int:
    """Start the workflow of every open order that has none, as `recover-orders` does; returns how many.

    Neither money nor goods are touched here: that is what the workflows do. Raises Unavailable.
    """
    return recover_orders(settings, recovery_rows(database))


def recovery_rows(database: Database) -> RecoveryRows:
    """What recovery uses of the database."""
    transitions = OrderTransitions(database, unkeyed_vault())
    return RecoveryRows(OrderRecovery(database, order_service(database)), transitions)
