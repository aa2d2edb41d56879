"""An order as the desk shows it: what agrees, what is stuck, and what can be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from web.desk.words import LATE_REFUND, step_of
from web.repeated_refunds import counted
from web.settings import WebSettings

#: The statuses in which an order may be cancelled.
CANCELLABLE = ("created", "reserved", "payment_pending", "paid")
#: Steps that are about money: only these can be written off here, by typing the amount.
MONEY = ("refund_payment", "refund_late_payment")


@dataclass(frozen=True)
class Stuck:
    """A step that can be resolved; `kept`: the money that it has to return, None for goods."""

    step: str
    kept: str | None
    #: how the API resolves it
    actions: Sequence[str]

    @property
    def awaits_money(self) -> bool:
        """Whether it is about money of which none is known to be taken yet: some may arrive."""
        return self.kept is not None and Decimal(self.kept) <= 0

    @property
    def can_settle(self) -> bool:
        """Whether it may be taken as done by hand."""
        return "mark_done" in self.actions and not self.awaits_money

    @property
    def can_write_off(self) -> bool:
        """Whether its money may be written off."""
        return self.kept is not None and self.can_settle


@dataclass(frozen=True)
class Link:
    """A workflow in Temporal's Web UI."""

    workflow_id: str
    url: str


@dataclass(frozen=True)
class DeskOrder:
    """The API's answers about one order."""

    data: Mapping[str, Any]
    comparison: Mapping[str, Any]
    events: Sequence[Mapping[str, Any]]

    @property
    def restocked(self) -> bool:
        """Whether a refund has returned its goods to stock; its reservation stays confirmed."""
        return any(event["type"] == "restocked" for event in self.events)

    @property
    def id(self) -> str:
        """The order's id."""
        return str(self.data["id"])

    @property
    def payments(self) -> Sequence[Mapping[str, Any]]:
        """Every payment, in our tables and at the provider."""
        payments: Sequence[Mapping[str, Any]] = self.comparison["payments"]
        return payments

    @property
    def refunds(self) -> Sequence[Mapping[str, Any]]:
        """Every refund of ours, those that follow each other and are alike as one."""
        return counted(self.data["refunds"])

    @property
    def can_cancel(self) -> bool:
        """Whether the order may be cancelled now."""
        return self.data["status"] in CANCELLABLE

    @property
    def refundable(self) -> list[tuple[str, str]]:
        """Payments that may be refunded, each with what is left of it; the API counts pending refunds too."""
        if self.data["status"] != "confirmed":
            return []
        left = [(str(payment["paymentId"]), _left(payment)) for payment in self.payments]
        return [(payment_id, str(amount)) for payment_id, amount in left if amount > 0]

    @property
    def stuck(self) -> list[Stuck]:
        """The stuck steps, of each kind the oldest: the API resolves that one."""
        found: dict[str, Stuck] = {}
        for each in self.data.get("attention") or ():
            step = step_of(each["reason"])
            if step and step not in found:
                found[step] = Stuck(step, self._kept(step, each["reason"]), each["actions"])
        return list(found.values())

    def stuck_at(self, step: str) -> Stuck | None:
        """The stuck step of this kind, if there is one."""
        return next((each for each in self.stuck if each.step == step), None)

    def links(self, settings: WebSettings) -> list[Link]:
        """Its workflows in Temporal's Web UI; none without the address of the Web UI."""
        if not settings.temporal_ui_url:
            return []
        base = f"{settings.temporal_ui_url.rstrip('/')}/namespaces/{settings.temporal_namespace}/workflows/"
        late = [each["reason"] for each in self.data.get("attention") or () if each["reason"].startswith(LATE_REFUND)]
        late += [f"{LATE_REFUND}{each['paymentId']}" for each in self.payments if each["capturedLate"]]
        return [Link(name, f"{base}{name}") for name in dict.fromkeys([f"order-{self.id}", *late])]

    def _kept(self, step: str, reason: str) -> str | None:
        if step not in MONEY:
            return None
        payment_id = reason.removeprefix(LATE_REFUND) if reason.startswith(LATE_REFUND) else None
        kept = [_left(each) for each in self.payments if payment_id in (None, str(each["paymentId"]))]
        return str(sum(kept, Decimal(0)))


def _left(payment: Mapping[str, Any]) -> Decimal:
    return Decimal(payment["captured"]) - Decimal(payment["refunded"])


def same_amount(typed: str, expected: str) -> bool:
    """Whether a person typed this amount: `1 299,00` and `1299` are `1299.00`."""
    plain = "".join(typed.split()).replace(",", ".")
    return plain.replace(".", "", 1).isdecimal() and Decimal(plain) == Decimal(expected)
