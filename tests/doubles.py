"""Fakes at the ports, for what no test can have for real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar
from uuid import UUID

from services.money import Money
from services.payments.gateway import (
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


class FakeProvider:
    """A payment provider whose card tokens say what it does: `declines`, `waits`, `dies_charged` …"""

    name = "fake"
    methods: ClassVar[Mapping[Method, MethodRules]] = {"card": MethodRules(term=3600), "phone": MethodRules(term=3900)}

    def __init__(self) -> None:
        self.payments: dict[UUID, ProviderPayment] = {}
        self.charges: Counter[UUID] = Counter()
        self.refunds: dict[str, ProviderRefund] = {}
        #: while True nothing can be asked
        self.away = False
        #: how many refunds are still to fail
        self.failing_refunds = 0

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        self._reach()
        token = charge.card_token or "succeeds"
        seen, self.charges[reference] = self.charges[reference], self.charges[reference] + 1
        if token == "dies_uncharged" and not seen:
            raise GatewayUnknown("no answer")
        outcome = {"declines": Outcome.FAILED, "waits": Outcome.PENDING}.get(token, Outcome.SUCCEEDED)
        made = ProviderPayment(f"p-{reference}", outcome, charge.amount, failure_code=_why(outcome))
        self.payments.setdefault(reference, made)
        if token == "dies_charged":
            raise GatewayUnknown("no answer")
        return self.payments[reference]

    def look_up(self, search: Search, *, within: float) -> ProviderPayment | None:
        self._reach()
        return self.payments.get(search.reference)

    def refund(self, order: RefundOrder, *, within: float) -> ProviderRefund:
        self._reach()
        if self.failing_refunds:
            self.failing_refunds -= 1
            return ProviderRefund(f"r-{order.key}", Outcome.FAILED, order.amount, "failed")
        made = ProviderRefund(f"r-{order.key}", Outcome.SUCCEEDED, order.amount)
        return self.refunds.setdefault(order.key, made)

    def look_up_refund(self, order: RefundOrder, provider_id: str | None, *, within: float) -> ProviderRefund | None:
        self._reach()
        return self.refunds.get(order.key)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> Hint | None:
        return None

    def decide(self, reference: UUID, outcome: Outcome) -> None:
        """What the buyer did at last with a payment that waits."""
        self.payments[reference] = replace(self.payments[reference], outcome=outcome, failure_code=_why(outcome))

    def kept(self, reference: UUID) -> int:
        """Minor units of a payment that the provider took and did not give back."""
        payment = self.payments.get(reference)
        taken = payment.amount.minor if payment and payment.outcome is Outcome.SUCCEEDED else 0
        returned = [refund.amount for key, refund in self.refunds.items() if str(reference) in key]
        return taken - sum(map(_minor, returned))

    def _reach(self) -> None:
        if self.away:
            raise GatewayUnavailable("away", retry_after=0.1)


def _why(outcome: Outcome) -> str | None:
    return "insufficient_funds" if outcome is Outcome.FAILED else None


def _minor(amount: Money) -> int:
    return amount.minor
