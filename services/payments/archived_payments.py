"""What the payments service asks of the archive: a payment to which something happens is moved back first."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID


class PaymentArchive(Protocol):
    """The archive of old orders."""

    def bring_back_payment(self, payment: UUID | str) -> bool:
        """Move the order of an archived payment back: ours by its id, or the provider's; False when it is not there."""


class NoArchive:
    """Nothing is archived."""

    def bring_back_payment(self, payment: UUID | str) -> bool:
        """False."""
        del payment
        return False
