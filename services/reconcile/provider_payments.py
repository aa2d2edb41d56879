"""I13 of payments: each payment of the provider with our reference is ours, in the same state, and the reverse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from services.archived_rows import either
from services.money import Money
from services.payments.gateway import Outcome, PaymentLookup, ProviderPayment
from services.payments.status import CAPTURED, PaymentStatus
from services.reconcile.findings import finding_of
from services.reconcile.provider import Comparison

_S = PaymentStatus
#: Our statuses that agree with what the provider says. Under review, a person decides what to believe.
_AGREES: Mapping[Outcome, frozenset[PaymentStatus]] = {
    Outcome.PENDING: frozenset({_S.PENDING, _S.UNKNOWN, _S.REVIEW}),
    Outcome.SUCCEEDED: CAPTURED | {_S.REVIEW},
    Outcome.FAILED: frozenset({_S.FAILED, _S.REVIEW}),
}

_COLUMNS = "id, order_id, status, currency, captured_minor, provider_id, created_at"
_ROWS = either(f"SELECT {_COLUMNS} FROM payments.payments WHERE id = ANY (%(ids)s)")  # noqa: S608 - constants
_OURS = either(
    f"""
    SELECT {_COLUMNS} FROM payments.payments
     WHERE created_at >= %(since)s AND created_at < %(before)s AND gateway = %(gateway)s AND provider_id IS NOT NULL
       AND NOT provider_id = ANY (%(known)s)
    """  # noqa: S608 - a constant of this module
)


class PaymentComparison(Comparison[ProviderPayment]):
    """Payments of the provider without our reference are not ours: a shop id may be shared."""

    description: ClassVar[str] = "the provider's payments and ours agree"

    def listed(self, since: datetime, before: datetime) -> Iterator[ProviderPayment]:
        """The provider's payments of that time."""
        return self.gateway.list_payments(since, before, within=self.deadline.left())

    def compare(self, batch: Sequence[ProviderPayment]) -> int:
        """Compare each with the row that it refers to."""
        ours = {one.provider_id: one.reference for one in batch if one.reference}
        rows = self._rows(ours.values())
        for reported in batch:
            reference = ours.get(reported.provider_id)
            if reference and _problem(reported, rows.get(reference)):
                self._report(reported, reference)
        return len(ours)

    def find_missing(self, since: datetime, before: datetime, known: set[str]) -> None:
        """Our payments that the provider does not list."""
        values = {"since": since, "before": before, "gateway": self.gateway.name, "known": list(known)}
        with self.database.snapshot(self.deadline.left()) as tx:
            rows = tx.fetch_all(_OURS, values)
        for row in rows:
            sentence = "The provider does not have the payment of order {order}, which is {status}."
            self.found.add(finding_of(sentence, _values(row)))

    def _report(self, reported: ProviderPayment, reference: UUID) -> None:
        """Add what still disagrees when both sides are read again: one of them may have been read too early."""
        if self.may_look_again():
            reported = self._look_up(reported, reference)
        row = self._rows([reference]).get(reference)
        if sentence := _problem(reported, row):
            values = {"payment_id": reference, "provider_id": reported.provider_id, "outcome": str(reported.outcome)}
            amount = f"{reported.amount.text} {reported.amount.currency}"
            self.found.add(finding_of(sentence, {**values, "reported": amount, **(_values(row) if row else {})}))

    def _look_up(self, reported: ProviderPayment, reference: UUID) -> ProviderPayment:
        lookup = PaymentLookup(reference, reported.provider_id, (), reported.created_at, reported.created_at)
        again = self.gateway.look_up(lookup, within=self.deadline.left())
        return again if again and again.provider_id == reported.provider_id else reported

    def _rows(self, ids: Any) -> dict[UUID, Any]:
        with self.database.snapshot(self.deadline.left()) as tx:
            return {row.id: row for row in tx.fetch_all(_ROWS, {"ids": list(ids)})}


def _values(row: Any) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "payment_id": row.id,
        "provider_id": row.provider_id,
        "status": row.status,
        "captured_minor": row.captured_minor,
        "currency": row.currency,
    }


def _problem(reported: ProviderPayment, row: Any) -> str | None:
    """The sentence that says how a payment of the provider differs from ours; None when they agree."""
    kept = reported.kept_minor > 0 or reported.outcome is Outcome.PENDING
    if row is None:
        return "The provider has a payment of {reported} with our reference, but we do not." if kept else None
    if row.provider_id not in (None, reported.provider_id):
        return "The provider has a second payment of {reported} for order {order}: it is {outcome}." if kept else None
    if row.status not in _AGREES[reported.outcome]:
        return "The provider's payment of order {order} is {outcome}, ours is {status}."
    captured = Money(row.captured_minor, row.currency)
    if reported.captured_minor and row.status != _S.REVIEW and captured != reported.amount:
        return "The provider captured {reported} for order {order}, we have {captured}."
    return None
