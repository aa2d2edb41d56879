"""Finds open orders that may have lost their workflow, and prepares them to be started again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.db import Database, retried
from services.errors import InvalidTransition
from services.orders import recovery_repository
from services.orders.recovery_repository import Restart
from services.orders.service import OrderService
from services.orders.status import WORKFLOW_LOST, CancelReason

#: Seconds without a change after which an open order is looked at: its workflow has started by then, and the list of
#: workflows shows it.
QUIET = 30.0


class OrderRecovery:
    """What recovery reads and writes of orders."""

    def __init__(self, database: Database, orders: OrderService, quiet: float = QUIET) -> None:
        self._database = database
        self._orders = orders
        self._quiet = quiet

    def unattended(self, after: UUID | None, limit: int) -> list[UUID]:
        """Open orders that did not change for a while, in the order of their ids, after an id.

        One that was started again before, and did not go on since, comes after a time that doubles: 30 s to 15 min.
        """
        return recovery_repository.unattended(self._database, after, limit, self._quiet)

    def not_open(self, order_ids: Collection[UUID]) -> list[UUID]:
        """Those of the ids that no order has, or one that ended a while ago.

        A workflow that runs for one is of another time than the database: one of them was restored.
        """
        return recovery_repository.not_open(self._database, order_ids, self._quiet)

    def with_method(self, order_ids: Collection[UUID]) -> list[UUID]:
        """Those of the orders that have not waited for a payment method for a while: one was given, or they go back."""
        return recovery_repository.with_method(self._database, order_ids, self._quiet)

    @retried
    def begin(self, order_id: UUID, *, now: bool = False) -> Restart | None:
        """Count that the workflow of an open order is started again; None when the order has ended or is not due.

        `now`: also when it is not due.
        """
        return recovery_repository.begin(self._database, order_id, now=now)

    def due_at(self, order_id: UUID) -> datetime | None:
        """When recovery starts the workflow of an order again if it is gone then; None when the order has ended.

        A time in the past: at its next run.
        """
        return recovery_repository.due_at(self._database, order_id, self._quiet)

    def needing(self, reason: str) -> list[UUID]:
        """The orders that need a person for this reason."""
        return recovery_repository.needing(self._database, reason)

    def no_longer_lost(self) -> list[UUID]:
        """Orders that needed a person because their workflow kept ending, and that went on or stayed open since."""
        return recovery_repository.no_longer_lost(self._database, WORKFLOW_LOST)

    def cancel(self, order_id: UUID) -> None:
        """Cancel an order whose workflow an operator terminated; nothing happens to one that is confirmed."""
        try:
            self._orders.request_cancel(order_id, None, CancelReason.OPERATOR_REQUEST)
        except InvalidTransition:
            return
