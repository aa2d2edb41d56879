"""Results of the test cards run: whether each order and the provider's ledger are as expected."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.demo.buyers import Order
from sandbox.standins.controls import LedgerItem
from sandbox.standins.provider.test_cards import Behaviour, Method
from services.money import Money

#: Behaviours that show only when the order is cancelled after the payment.
REFUND_BEHAVIOURS = (Behaviour.REFUND_FAILS_TWICE, Behaviour.REFUND_FAILS)
CANCELLED_BEHAVIOURS = (Behaviour.DECLINES, Behaviour.WRONG_AMOUNT, *REFUND_BEHAVIOURS)


@dataclass(frozen=True)
class CardCase:
    """One test card or phone to place an order with."""

    value: str
    method: Method
    behaviour: Behaviour

    @property
    def expected_status(self) -> str:
        """The final status of an order paid with it: `cancelled` or `confirmed`."""
        return "cancelled" if self.behaviour in CANCELLED_BEHAVIOURS else "confirmed"


@dataclass(frozen=True)
class CardResult:
    """The order of a case and the provider's charges for it; `manually_refunded` is in minor units."""

    case: CardCase
    order: Order
    charges: list[LedgerItem]
    manually_refunded: int = 0

    @property
    def captures(self) -> int:
        """Number of captures at the provider."""
        return sum(charge["captures"] for charge in self.charges)

    @property
    def charged(self) -> int:
        """Amount captured by the provider, in minor units."""
        return sum(self._minor(charge["amount"]) * charge["captures"] for charge in self.charges)

    @property
    def refunded(self) -> int:
        """Amount refunded by the provider, in minor units."""
        refunds = (refund for charge in self.charges for refund in charge["refunds"])
        return sum(self._minor(refund["amount"]) for refund in refunds if refund["status"] == "succeeded")

    @property
    def kept(self) -> int:
        """Amount that was charged and not refunded, in minor units."""
        return self.charged - self.refunded - self.manually_refunded

    @property
    def balances(self) -> bool:
        """Whether the status is as expected, there is at most one capture, and the kept amount is the amount due."""
        due = self._minor(self.order["totalAmount"]) if self.order["status"] == "confirmed" else 0
        return self.order["status"] == self.case.expected_status and self.captures <= 1 and self.kept == due

    def _minor(self, amount: str) -> int:
        return Money.parse(amount, self.order["currency"]).minor
