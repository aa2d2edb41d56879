"""An order of the API as its page shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

#: The steps of an order that goes well.
STRAIGHT = ("reserved", "paid", "confirmed")
#: The statuses in which a payment may be started.
PAYABLE = ("reserved", "payment_pending")
#: The statuses in which the buyer may cancel.
CANCELLABLE = ("created", "reserved", "payment_pending", "paid")


@dataclass(frozen=True)
class StepState:
    """A step of the order: `done`, `now`, `ahead`, or `undone` when the order was cancelled after it."""

    name: str
    state: str


@dataclass(frozen=True)
class OrderView:
    """The API's answers about one order."""

    data: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]

    @property
    def id(self) -> str:
        """The order's id."""
        return str(self.data["id"])

    @property
    def status(self) -> str:
        """The order's status."""
        return str(self.data["status"])

    @property
    def closed(self) -> bool:
        """Whether nothing changes any more, but for refunds."""
        return self.status in ("confirmed", "cancelled")

    @property
    def can_cancel(self) -> bool:
        """Whether the buyer may cancel now."""
        return self.status in CANCELLABLE

    @property
    def payment(self) -> Mapping[str, Any] | None:
        """The latest payment."""
        return self.data["payment"]  # type: ignore[no-any-return]  # the API's JSON

    @property
    def confirmation_url(self) -> str | None:
        """The provider's page that the buyer must visit now."""
        waits = self.payment and self.payment["status"] in ("pending", "unknown") and not self.closing
        return self.payment.get("confirmationUrl") if self.payment and waits else None

    @property
    def sentence(self) -> str:
        """Which sentence says how the order is: a name of the texts."""
        if self.status == "cancelled" and self.data["cancelReason"]:
            return f"cancelled_{self.data['cancelReason']}"
        if self.status != "payment_pending":
            return self.status
        return "payment_confirm" if self.confirmation_url else "payment_phone" if self._on_phone else self.status

    @property
    def pay_before(self) -> str | None:
        """Until when the buyer must pay or confirm (RFC 3339); None when there is nothing to do."""
        must_act = self.can_pay or self.confirmation_url or self._on_phone
        return self.data.get("payBefore") if must_act else None

    @property
    def _on_phone(self) -> bool:
        """Whether a mobile operator has the payment, which may ask the buyer to confirm it by SMS."""
        payment = self.payment
        return payment is not None and (payment["status"], payment.get("method")) == ("pending", "phone")

    @property
    def closing(self) -> bool:
        """Whether the order is being cancelled, or has been."""
        return self.status in ("cancelling", "cancelled")

    @property
    def can_pay(self) -> bool:
        """Whether the buyer may start a payment now."""
        live = self.payment is not None and self.payment["status"] in ("pending", "unknown", "succeeded", "review")
        return self.status in PAYABLE and not live

    @property
    def refunded(self) -> bool:
        """Whether money went back."""
        return Decimal(self.data["refundedAmount"]) > 0

    @property
    def took_money(self) -> bool:
        """Whether a payment succeeded at some time, also after the cancellation had begun."""
        return any(event["type"] in ("paid", "refund_failed") for event in self.events) or self.refunded

    @property
    def steps(self) -> list[StepState]:
        """The stepper: the straight way, or the way to the cancellation."""
        reached = {str(event["type"]) for event in self.events}
        if self.closing:
            done = [StepState(name, "undone") for name in STRAIGHT if name in reached]
            ended = "done" if self.status == "cancelled" else "now"
            back = [StepState("refunded", "done" if self.refunded else "now")] if self.took_money else []
            return [*done, StepState("cancelled", ended), *back]
        upcoming = next((name for name in STRAIGHT if name not in reached), None)
        return [
            StepState(name, "done" if name in reached else "now" if name == upcoming else "ahead") for name in STRAIGHT
        ]
