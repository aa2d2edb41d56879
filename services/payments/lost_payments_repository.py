"""SQL of payments that only the provider has."""

from __future__ import annotations

from uuid import UUID

from services.clock import NOW
from services.db import Executor
from services.payments.gateway import ProviderPayment
from services.payments.status import FailureCode


def adopt(tx: Executor, payment_id: UUID, reported: ProviderPayment, attempt: int, gateway: str) -> bool:
    """Insert a payment that only the provider has, as failed, so that its money pays nothing and is sent back.

    False when the payments of its order are not closed here, or the attempt has a payment already.
    """
    values = {
        "id": payment_id,
        "order_id": reported.order_id,
        "attempt": attempt,
        "amount_minor": reported.amount.minor,
        "currency": reported.amount.currency,
        "method": reported.method,
        "gateway": gateway,
        "at": reported.created_at,
    }
    return bool(tx.execute(_ADOPT, values))


_ADOPT = f"""
    INSERT INTO payments.payments AS p (id, order_id, attempt, amount_minor, currency, method, status, gateway,
                                        failure_code, created_at, updated_at)
    SELECT %(id)s, l.order_id, %(attempt)s, %(amount_minor)s, %(currency)s, %(method)s, 'failed', %(gateway)s,
           '{FailureCode.NOT_CHARGED}', %(at)s, {NOW}
      FROM payments.payment_locks l WHERE l.order_id = %(order_id)s AND l.closed_at IS NOT NULL
    ON CONFLICT DO NOTHING
    """  # noqa: S608 - constants
