"""I13 of refunds: each refund of the provider for a payment of ours is ours, in the same state, and the reverse."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from services.archived_rows import either
from services.money import Money
from services.payments.gateway import Outcome, ProviderRefund
from services.payments.status import RefundStatus
from services.reconcile.findings import finding_of
from services.reconcile.provider import Comparison

_AGREES: Mapping[Outcome, RefundStatus] = {
    Outcome.PENDING: RefundStatus.PENDING,
    Outcome.SUCCEEDED: RefundStatus.SUCCEEDED,
    Outcome.FAILED: RefundStatus.FAILED,
}

# One row for each refund of the payments, and one for a payment without refunds.
_ROWS = either(
    """
    SELECT p.provider_id AS payment_provider_id, p.id AS payment_id, p.order_id, r.id AS refund_id, r.status,
           r.amount_minor, r.currency, r.provider_id, r.manual_reference IS NOT NULL AS by_hand,
           'refund:' || p.id || ':' || r.number AS key
      FROM payments.payments p LEFT JOIN payments.refunds r ON r.payment_id = p.id
     WHERE p.provider_id = ANY (%(ids)s)
    """
)
_OURS = either(
    """
    SELECT r.id AS refund_id, r.payment_id, r.order_id, r.status, r.amount_minor, r.currency, r.provider_id,
           p.provider_id AS payment_provider_id
      FROM payments.refunds r JOIN payments.payments p ON p.id = r.payment_id
     WHERE r.created_at >= %(since)s AND r.created_at < %(before)s AND p.gateway = %(gateway)s
       AND r.provider_id IS NOT NULL AND NOT r.provider_id = ANY (%(known)s)
    """
)


class RefundComparison(Comparison[ProviderRefund]):
    """Refunds of payments that are not in our tables are not ours."""

    description: ClassVar[str] = "the provider's refunds and ours agree"

    def listed(self, since: datetime, before: datetime) -> Iterator[ProviderRefund]:
        """The provider's refunds of that time."""
        return self.gateway.list_refunds(since, before, within=self.deadline.left())

    def compare(self, batch: Sequence[ProviderRefund]) -> int:
        """Compare each with the refunds of its payment."""
        payments = self._rows(one.payment_provider_id for one in batch)
        for reported in batch:
            rows = payments.get(reported.payment_provider_id)
            if rows and _problem(reported, rows):
                self._report(reported)
        return sum(one.payment_provider_id in payments for one in batch)

    def find_missing(self, since: datetime, before: datetime, known: set[str]) -> None:
        """Our refunds that the provider does not list, not even with their payment: it may have got a late request."""
        values = {"since": since, "before": before, "gateway": self.gateway.name, "known": list(known)}
        with self.database.snapshot(self.deadline.left()) as tx:
            rows = tx.fetch_all(_OURS, values)
        for row in rows:
            if self._look_up(row.payment_provider_id, row.provider_id) is None:
                sentence = "The provider does not have the refund of {amount} for order {order}, which is {status}."
                self.found.add(finding_of(sentence, row._asdict()))

    def _report(self, reported: ProviderRefund) -> None:
        """Add what still disagrees when both sides are read again: one of them may have been read too early."""
        payment = reported.payment_provider_id
        reported = self._look_up(payment, reported.provider_id) or reported
        rows = self._rows([payment]).get(payment, [])
        if sentence := _problem(reported, rows):
            self.found.add(finding_of(sentence, _values(reported, rows)))

    def _look_up(self, payment_provider_id: str, provider_id: str) -> ProviderRefund | None:
        if not self.may_look_again():
            return None
        listed = self.gateway.list_refunds_of(payment_provider_id, within=self.deadline.left())
        return next((one for one in listed if one.provider_id == provider_id), None)

    def _rows(self, payment_provider_ids: Iterable[str]) -> dict[str, list[Any]]:
        found: dict[str, list[Any]] = defaultdict(list)
        with self.database.snapshot(self.deadline.left()) as tx:
            for row in tx.fetch_all(_ROWS, {"ids": list(payment_provider_ids)}):
                found[row.payment_provider_id].append(row)
        return dict(found)


def _row_of(reported: ProviderRefund, rows: Sequence[Any]) -> Any:
    """Our row of a refund: by its id, by the key of our request, or the booking by which an operator recorded it."""
    without_id = [row for row in rows if row.provider_id is None and row.refund_id]
    by_id = (row for row in rows if row.provider_id == reported.provider_id)
    by_key = (row for row in without_id if row.key == reported.key)
    by_hand = (row for row in without_id if row.by_hand and row.amount_minor == reported.amount.minor)
    return next(by_id, None) or next(by_key, None) or next(by_hand, None)


def _values(reported: ProviderRefund, rows: Sequence[Any]) -> dict[str, Any]:
    row = _row_of(reported, rows)
    ours = {"refund_id": row.refund_id, "status": row.status, "amount_minor": row.amount_minor} if row else {}
    return {
        "order_id": rows[0].order_id,
        "payment_id": rows[0].payment_id,
        "provider_id": reported.provider_id,
        "outcome": str(reported.outcome),
        "reported": f"{reported.amount.text} {reported.amount.currency}",
        "currency": row.currency if row else None,
        **ours,
    }


def _problem(reported: ProviderRefund, rows: Sequence[Any]) -> str | None:
    """The sentence that says how a refund of the provider differs from ours; None when they agree."""
    row = _row_of(reported, rows)
    if row is None:
        if reported.outcome is Outcome.FAILED:
            return None
        return "The provider has a refund of {reported} for order {order}, but we do not: it is {outcome}."
    if row.status != _AGREES[reported.outcome]:
        return "The provider's refund of {reported} for order {order} is {outcome}, ours is {status}."
    if Money(row.amount_minor, row.currency) != reported.amount:
        return "The provider's refund for order {order} is of {reported}, ours of {amount}."
    return None
