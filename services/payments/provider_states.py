"""What the provider says of an order's payments, beside what our tables say; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from services.db import Database
from services.money import Money
from services.payments.call_budget import gateway_errors_as_unavailable
from services.payments.gateway import Gateway, ProviderPayment
from services.payments.repository import PaymentRepository
from services.payments.views import PaymentView


@dataclass(frozen=True)
class PaymentStates:
    """One payment in our tables and at the provider; `provider` is None when the provider has no such payment."""

    ours: PaymentView
    provider: ProviderPayment | None

    @property
    def agree(self) -> bool:
        """Whether the same money was captured and sent back on both sides."""
        if self.provider is None:
            return self.ours.captured_minor == 0
        ours = (self.ours.captured_minor, self.ours.refunded_minor)
        return ours == (self.provider.captured_minor, self.provider.refunded_minor)

    @property
    def kept_at_provider(self) -> Money:
        """What the provider has captured and not sent back."""
        if self.provider is None:
            return Money(0, self.ours.amount.currency)
        return Money(self.provider.captured_minor - self.provider.refunded_minor, self.provider.amount.currency)


class ProviderStates:
    """Looks up payments without recording what it finds."""

    def __init__(self, database: Database, gateway: Gateway, seconds: float = 4.0) -> None:
        """`seconds`: how long the look-up of one payment may take."""
        self._database = database
        self._gateway = gateway
        self._seconds = seconds

    def of_order(self, order_id: UUID) -> list[PaymentStates]:
        """Every payment of an order, first attempt first. Raises Unavailable while the provider does not answer."""
        states = []
        for record in PaymentRepository(self._database).of_order(order_id):
            with gateway_errors_as_unavailable():
                found = self._gateway.look_up(record.lookup, within=self._seconds)
            states.append(PaymentStates(record.view, found))
        return states
