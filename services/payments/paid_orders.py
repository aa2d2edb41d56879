"""Whether the money that an order was paid with is still there, before the order is confirmed."""

from __future__ import annotations

from uuid import UUID

from services.clock import NOW
from services.db import Database
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus

#: Seconds after its last change from which a captured payment is asked about again. An order is confirmed a moment
#: after it was paid; later than that, the database may have been restored from a backup that is older than a refund.
ASK_AGAIN_AFTER = 60.0

_CAPTURED = f"""
    SELECT id, status, updated_at < (SELECT {NOW}) - make_interval(secs => %(seconds)s) AS is_old
      FROM payments.payments
     WHERE order_id = %(order_id)s AND captured_minor > 0 AND NOT captured_late
    """  # noqa: S608 - a constant


class PaidOrders:
    """The money of orders that are paid and not confirmed."""

    def __init__(self, database: Database, payments: PaymentService) -> None:
        self._database = database
        self._payments = payments

    def is_returned(self, order_id: UUID) -> bool:
        """Whether all of an order's payment was sent back: then it pays for nothing, and nothing may be sold for it.

        The provider is asked when the payment has not changed for a minute, and what it has refunded is recorded.
        A part that was sent back changes nothing. Raises Unavailable.
        """
        captured = self._database.fetch_one(_CAPTURED, {"order_id": order_id, "seconds": ASK_AGAIN_AFTER})
        if captured is None:
            return False
        if captured.is_old and self._payments.record_provider_refunds(captured.id):
            return self._payments.get(captured.id).status is PaymentStatus.REFUNDED
        return PaymentStatus(captured.status) is PaymentStatus.REFUNDED
