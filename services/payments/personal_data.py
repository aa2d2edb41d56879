"""The payments and refunds of a person's orders: a copy for the person, and what people wrote about them, erased."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from services.db import Database, Executor
from services.money import Money
from services.payments import personal_data_repository
from services.payments.manual_references import without_prose


class PaymentPersonalData:
    """Reads payments and refunds of orders; they are money records, of which only free text is erased."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def erase(self, tx: Executor, order_ids: Sequence[UUID], phones: Collection[str]) -> None:
        """Delete what people wrote about payments and refunds of orders; `phones`: numbers of the person.

        The reference of a refund that was made by hand is a record of the books: its numbers stay (`without_prose`).
        """
        personal_data_repository.forget_failures(tx, order_ids)
        for table in personal_data_repository.REFUNDS:
            written = personal_data_repository.references(tx, table, order_ids)
            kept = {refund_id: without_prose(reference, phones) for refund_id, reference in written.items()}
            personal_data_repository.replace_references(tx, table, kept)

    def of_orders(self, order_ids: Sequence[UUID]) -> dict[str, list[dict[str, Any]]]:
        """Payments, each with its refunds, oldest first, by the id of their order."""
        found: dict[str, list[dict[str, Any]]] = {}
        for row in personal_data_repository.of_orders(self._database, order_ids):
            refunds = [
                {"id": id_, "status": status, "amount": Money(minor, row.currency).text, "createdAt": at}
                for id_, status, minor, at in row.refunds or []
            ]
            found.setdefault(str(row.order_id), []).append(
                {
                    "id": str(row.id),
                    "status": row.status,
                    "method": row.method,
                    "amount": Money(row.amount_minor, row.currency).text,
                    "currency": row.currency,
                    "provider": row.gateway,
                    "providerId": row.provider_id,
                    "createdAt": row.created_at,
                    "refunds": refunds,
                }
            )
        return found
