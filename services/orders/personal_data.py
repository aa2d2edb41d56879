"""What orders hold about a person: a copy for the person, and its deletion."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.db import Database, Executor
from services.errors import InvalidTransition
from services.money import Money
from services.orders import personal_data_repository, repository
from services.orders.contacts import phone_of
from services.secrets import Vault


class OrderPersonalData:
    """Reads and erases the personal data of a buyer's orders."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database, self._vault = database, vault

    def require_closed(self, tx: Executor, buyer_id: UUID) -> None:
        """Make new orders of the buyer wait for the end of the transaction. Raises InvalidTransition with open ones."""
        repository.lock_buyer(tx, buyer_id)
        if found := personal_data_repository.open_orders(tx, buyer_id):
            raise InvalidTransition(
                f"{found} {'order is' if found == 1 else 'orders are'} still open: cancel each, or wait until it is"
                " confirmed; then ask again."
            )

    def phones(self, tx: Executor, buyer_id: UUID) -> set[str]:
        """The phone numbers that the buyer gave for orders."""
        contacts = personal_data_repository.contacts(tx, buyer_id)
        return {phone for id_, contact in contacts if (phone := phone_of(self._vault, contact, id_))}

    def erase(self, tx: Executor, buyer_id: UUID) -> list[UUID]:
        """Delete addresses, phone numbers, ways to pay and notes of all orders; returns their ids.

        Goods, amounts, times and the country stay. No later order is stored for this buyer.
        """
        return personal_data_repository.erase(tx, buyer_id)

    def page(self, buyer_id: UUID, after: UUID | None, limit: int) -> list[dict[str, Any]]:
        """Orders of the buyer as the person may read them, oldest first, after an id; each has its `id`."""
        return [self._shown(row) for row in personal_data_repository.page(self._database, buyer_id, after, limit)]

    def _shown(self, row: Any) -> dict[str, Any]:
        return {
            "id": str(row.id),
            "status": row.status,
            "createdAt": row.created_at,
            "updatedAt": row.updated_at,
            "totalAmount": Money(row.total_minor, row.currency).text,
            "currency": row.currency,
            "address": {
                "country": row.country,
                "region": row.region,
                "city": row.city,
                "street": row.street,
                "postalCode": row.postal_code,
            },
            "paymentMethod": row.method,
            "contactPhone": phone_of(self._vault, row.contact, row.id),
            "language": row.language,
            "cancelReason": row.cancel_reason,
            "cancelNote": row.cancel_note,
            "lines": [
                {"name": name, "quantity": quantity, "price": Money(price, row.currency).text}
                for name, quantity, price in row.lines or []
            ],
            "timeline": [{"at": at, "type": kind, "status": status} for at, kind, status in row.events or []],
        }
