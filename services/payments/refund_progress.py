"""One result for the refunds of several payments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from services.payments.status import RefundStatus
from services.payments.views import RefundProgress, RefundView


def combined(steps: Sequence[RefundProgress], refunds: Sequence[RefundView]) -> RefundProgress:
    """One result for several payments: the unfinished step that is due first, else the last refund."""
    sent = [refund for refund in refunds if refund.status is RefundStatus.SUCCEEDED]
    refunded_minor = sum(refund.amount.minor for refund in sent)
    unfinished = [step for step in steps if not step.done]
    if unfinished:
        first = min(unfinished, key=lambda step: step.retry_after)
        return replace(first, refunded_minor=refunded_minor, waiting=min(step.waiting for step in unfinished))
    if sent:
        return RefundProgress(True, refunded_minor, sent[-1].id, sent[-1].payment_id)
    return RefundProgress(True, 0, None, steps[-1].payment_id if steps else None)
