"""Fiscal receipts (54-FZ) of payments and refunds: their lines sum to the amount, to the minor unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import UUID

from services.db import Database, retried
from services.payments.records import RefundRecord
from services.payments.refunds_repository import RefundRepository
from services.payments.repository import PaymentRepository
from services.payments.status import RefundStatus
from services.payments.views import PaymentView, Receipt, ReceiptLine


class ReceiptSource(Protocol):
    """What was sold and to whom, which other services know."""

    def of_order(self, order_id: UUID) -> Receipt:
        """The receipt of the whole order. Raises NotFound."""


class Receipts:
    """Makes receipts at the moment of a request, so that the customer's address is stored nowhere else.

    The lines of a payment's first receipt are kept: its refunds have the same names and VAT codes.
    """

    def __init__(self, database: Database, source: ReceiptSource | None) -> None:
        """Without a `source` the shop sends no receipts."""
        self._database = database
        self._source = source

    def of_charge(self, payment: PaymentView) -> Receipt | None:
        """The receipt of a payment; None when the shop sends none. Raises NotFound, Unavailable."""
        if self._source is None:
            return None
        sold = self._source.of_order(payment.order_id)
        lines = self._kept(payment.id, sold.lines)
        return replace(sold, lines=portion(lines, [line.total_minor for line in lines], payment.amount.minor))

    def of_refund(self, refund: RefundRecord) -> Receipt | None:
        """The receipt of a refund; None when the shop sends none. Raises NotFound, Unavailable.

        A part is taken from every line in proportion to what earlier refunds have left of it, so that all refunds
        together return each line once.
        """
        if self._source is None:
            return None
        sold = self._source.of_order(refund.view.order_id)
        lines = self._kept(refund.view.payment_id, sold.lines)
        left = [line.total_minor for line in lines]
        for earlier in RefundRepository(self._database).of_payment(refund.view.payment_id):
            if earlier.number < refund.number and earlier.view.status is not RefundStatus.FAILED:
                taken = shares(left, min(earlier.view.amount.minor, sum(left)))
                left = [before - share for before, share in zip(left, taken, strict=True)]
        return replace(sold, lines=portion(lines, left, refund.view.amount.minor))

    @retried
    def _kept(self, payment_id: UUID, lines: Sequence[ReceiptLine]) -> list[ReceiptLine]:
        return PaymentRepository(self._database).keep_receipt_lines(payment_id, lines)


def shares(totals: Sequence[int], amount: int) -> list[int]:
    """`amount` split in proportion to `totals` (minor units): the sum is exact, no share exceeds a larger total."""
    whole = sum(totals)
    if not whole:
        return [0 for _ in totals]
    parts = [divmod(amount * total, whole) for total in totals]
    split = [floor for floor, _ in parts]
    largest_rest = sorted(range(len(parts)), key=lambda place: parts[place][1], reverse=True)
    for place in largest_rest[: amount - sum(split)]:
        split[place] += 1
    return split


def portion(lines: Sequence[ReceiptLine], left: Sequence[int], amount: int) -> tuple[ReceiptLine, ...]:
    """Lines that sum to `amount`, in proportion to what is `left` of each (minor units).

    A line of which only a part is taken becomes one unit at that price.
    """
    enough = left if sum(left) >= amount else [line.total_minor for line in lines]
    return tuple(_taken(lines, shares(enough, amount)))


def _taken(lines: Sequence[ReceiptLine], split: Sequence[int]) -> Iterator[ReceiptLine]:
    for line, share in zip(lines, split, strict=True):
        if share:
            yield line if share == line.total_minor else replace(line, quantity=1, price_minor=share)
