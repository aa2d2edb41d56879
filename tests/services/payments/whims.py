"""A payment provider of moods, and what it really did: the only truth that a path of a payment is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar, TypeVar
from uuid import UUID

from services.money import Money
from services.payments.gateway import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    Hint,
    MethodRules,
    Outcome,
    ProviderPayment,
    ProviderRefund,
    RefundOrder,
    Search,
)
from services.payments.views import Charge, Method
from tests.services.payments.gateways import Killed

Told = TypeVar("Told", ProviderPayment, ProviderRefund)


class Mood(StrEnum):
    """How the provider takes the next request."""

    SUCCEEDS = "succeeds"
    DECLINES = "declines"
    WAITS = "waits"
    REFUSES = "refuses"
    AWAY = "away"
    LOST_BEFORE = "lost before"
    LOST_AFTER = "lost after"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


@dataclass
class MoodyProvider:
    """Keeps keys or not; forgets nothing that it did."""

    keeps_keys: bool = True
    mood: Mood = Mood.SUCCEEDS
    payments: dict[UUID, list[ProviderPayment]] = field(default_factory=dict)
    refunds: dict[str, ProviderRefund] = field(default_factory=dict)

    name = "moody"
    methods: ClassVar[Mapping[Method, MethodRules]] = {"card": MethodRules(term=3600)}

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        self._before()
        made = self.payments.setdefault(reference, [])
        if not (made and self.keeps_keys):
            made.append(ProviderPayment(f"p-{reference}-{len(made)}", self._outcome(), charge.amount))
        return self._after(made[-1])

    def look_up(self, search: Search, *, within: float) -> ProviderPayment | None:
        if self.mood is Mood.AWAY:
            raise GatewayUnavailable("away")
        return next(iter(self.payments.get(search.reference, [])), None)

    def refund(self, order: RefundOrder, *, within: float) -> ProviderRefund:
        self._before()
        told = ProviderRefund(f"r-{order.key}", self._outcome(), order.amount)
        return self._after(self.refunds.setdefault(order.key, told))

    def look_up_refund(self, order: RefundOrder, provider_id: str | None, *, within: float) -> ProviderRefund | None:
        if self.mood is Mood.AWAY:
            raise GatewayUnavailable("away")
        return self.refunds.get(order.key)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> Hint | None:
        return None

    def decide(self, outcome: Outcome) -> None:
        """Every payment and refund that waits ends so."""
        for made in self.payments.values():
            made[:] = [replace(one, outcome=outcome) if one.outcome is Outcome.PENDING else one for one in made]
        for key, one in self.refunds.items():
            if one.outcome is Outcome.PENDING:
                self.refunds[key] = replace(one, outcome=outcome)

    def taken(self, reference: UUID) -> int:
        """How often money was taken for a reference."""
        return sum(one.outcome is Outcome.SUCCEEDED for one in self.payments.get(reference, []))

    def returned(self, reference: UUID) -> Money:
        """What was sent back for a reference."""
        sent = [r.amount.minor for key, r in self.refunds.items() if f":{reference}:" in key and _sent(r)]
        return Money(sum(sent), "RUB")

    def _before(self) -> None:
        if self.mood is Mood.AWAY:
            raise GatewayUnavailable("away")
        if self.mood is Mood.REFUSES:
            raise GatewayRefused("no")
        if self.mood is Mood.LOST_BEFORE:
            raise GatewayUnknown("no answer")
        if self.mood is Mood.KILLED_BEFORE:
            raise Killed

    def _after(self, told: Told) -> Told:
        if self.mood is Mood.LOST_AFTER:
            raise GatewayUnknown("no answer")
        if self.mood is Mood.KILLED_AFTER:
            raise Killed
        return told

    def _outcome(self) -> Outcome:
        return {Mood.DECLINES: Outcome.FAILED, Mood.WAITS: Outcome.PENDING}.get(self.mood, Outcome.SUCCEEDED)


def _sent(refund: ProviderRefund) -> bool:
    return refund.outcome is Outcome.SUCCEEDED
