"""Fake payment gateways: a provider in memory, and a proxy that injects failures in front of any gateway."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, TypeVar
from uuid import UUID

from services.errors import InvalidSignature
from services.money import Money
from services.payments.gateway import (
    Gateway,
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    MethodRules,
    Outcome,
    PaymentLookup,
    ProviderPayment,
    ProviderRefund,
    RefundRequest,
    WebhookEvent,
)
from services.payments.status import PaymentMethodType
from services.payments.views import Charge

Made = TypeVar("Made", ProviderPayment, ProviderRefund)


class Killed(BaseException):
    """The process was killed at this point."""


class Behaviour(StrEnum):
    """What the provider does with a charge or refund."""

    SUCCEEDS = "succeeds"
    DECLINES = "declines"
    WAITS = "waits"
    REFUSES = "refuses"
    UNAVAILABLE = "unavailable"
    #: the request is lost; the provider never sees it
    REQUEST_LOST = "request lost"
    #: the provider processes the request; its answer is lost
    ANSWER_LOST = "answer lost"
    KILLED_BEFORE = "killed before"
    KILLED_AFTER = "killed after"


#: Card tokens, after an optional `tok_`, that override the gateway's behaviour for their charge.
TOKENS = {
    "declines": Behaviour.DECLINES,
    "waits": Behaviour.WAITS,
    "pending": Behaviour.WAITS,
    "dies_charged": Behaviour.ANSWER_LOST,
    "dies_uncharged": Behaviour.REQUEST_LOST,
}
#: Where the buyer confirms a pending payment.
CONFIRMATION_URL = "https://bank.example/3ds"
#: The address from which webhooks are accepted.
WEBHOOK_SOURCE = "127.0.0.1"
_OUTCOMES = {Behaviour.DECLINES: Outcome.FAILED, Behaviour.WAITS: Outcome.PENDING}


@dataclass
class FakeGateway:
    """A payment provider in memory. A card token of `TOKENS` or else `behaviour` decides what a request does."""

    behaviour: Behaviour = Behaviour.SUCCEEDS
    #: False: a repeated charge with one reference charges again
    deduplicates: bool = True
    #: number of refunds that are still to fail
    failing_refunds: int = 0
    payments: dict[UUID, list[ProviderPayment]] = field(default_factory=dict)
    refunds: dict[str, ProviderRefund] = field(default_factory=dict)
    #: number of requests to charge, by reference
    charges: Counter[UUID] = field(default_factory=Counter)
    #: where each payment sends the buyer back
    return_urls: dict[UUID, str | None] = field(default_factory=dict)

    name = "fake"
    methods: ClassVar[Mapping[PaymentMethodType, MethodRules]] = {
        PaymentMethodType.CARD: MethodRules(term=3600),
        PaymentMethodType.PHONE: MethodRules(term=3900),
    }

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        self.charges[reference] += 1
        self.return_urls[reference] = charge.return_url
        behaviour = self._behaviour_of(reference, charge)
        _fail_before(behaviour)
        made = self.payments.setdefault(reference, [])
        if not (made and self.deduplicates):
            outcome = _OUTCOMES.get(behaviour, Outcome.SUCCEEDED)
            provider_id = f"p-{reference}-{len(made)}" if made else f"p-{reference}"
            url = CONFIRMATION_URL if outcome is Outcome.PENDING else None
            made.append(
                ProviderPayment(
                    provider_id,
                    outcome,
                    charge.amount,
                    datetime.now(UTC),
                    confirmation_url=url,
                    failure_code=_failure_code(outcome),
                    reference=reference,
                    order_id=charge.order_id,
                )
            )
        return _fail_after(behaviour, made[-1])

    def look_up(self, lookup: PaymentLookup, *, within: float) -> ProviderPayment | None:
        self._check_available()
        return next(iter(self._reported(lookup.reference)), None)

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        _fail_before(self.behaviour)
        if self.failing_refunds:
            self.failing_refunds -= 1
            return replace(_refund_of(request, Outcome.FAILED), failure_code="failed")
        if request.key not in self.refunds and request.amount.minor > self._refundable(request.payment_provider_id):
            raise GatewayRefused("amount_exceeds_the_refundable_amount")
        made = _refund_of(request, _OUTCOMES.get(self.behaviour, Outcome.SUCCEEDED))
        return _fail_after(self.behaviour, self.refunds.setdefault(request.key, made))

    def look_up_refund(
        self, request: RefundRequest, provider_id: str | None, *, within: float
    ) -> ProviderRefund | None:
        self._check_available()
        return self.refunds.get(request.key)

    def list_payments(
        self, created_from: datetime, created_to: datetime, *, within: float
    ) -> Iterator[ProviderPayment]:
        self._check_available()
        made = [one for reference in self.payments for one in self._reported(reference)]
        return iter([one for one in made if created_from <= one.created_at < created_to])

    def list_refunds(self, created_from: datetime, created_to: datetime, *, within: float) -> Iterator[ProviderRefund]:
        self._check_available()
        return iter([one for one in self.refunds.values() if created_from <= one.created_at < created_to])

    def list_refunds_of(self, payment_provider_id: str, *, within: float) -> Iterator[ProviderRefund]:
        self._check_available()
        return iter([one for one in self.refunds.values() if one.payment_provider_id == payment_provider_id])

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> WebhookEvent | None:
        """Parse `{"id": <webhook>, "payment": <provider id>, "reference": <ours, optional>, "refund": <optional>}`."""
        if source != WEBHOOK_SOURCE:
            raise InvalidSignature("This webhook does not come from the payment provider.")
        event = json.loads(body)
        reference, refund = event.get("reference"), event.get("refund")
        kind = "refund.succeeded" if refund else "payment.succeeded"
        return WebhookEvent(event["id"], kind, event["payment"], UUID(reference) if reference else None, refund)

    def refund_by_hand(self, reference: UUID, minor: int, *, key: str | None = None) -> ProviderRefund:
        """Refund a part of a payment on the provider's own page; `key`: as if it were requested by us."""
        paid = self.payments[reference][0]
        provider_id = f"r-page:{reference}:{len(self.refunds)}"
        amount = Money(minor, paid.amount.currency)
        made = ProviderRefund(provider_id, paid.provider_id, Outcome.SUCCEEDED, amount, datetime.now(UTC), key=key)
        self.refunds[key or provider_id] = made
        return made

    def set_available(self, available: bool) -> None:
        """Make the provider unavailable, or let every request succeed again."""
        self.behaviour = Behaviour.SUCCEEDS if available else Behaviour.UNAVAILABLE

    def decide(self, reference: UUID, outcome: Outcome) -> None:
        """Set the outcome of a payment."""
        decided = [
            replace(one, outcome=outcome, failure_code=_failure_code(outcome)) for one in self.payments[reference]
        ]
        self.payments[reference] = decided

    def make_older(self, reference: UUID, by: timedelta) -> None:
        """Move the creation of a payment back in time."""
        self.payments[reference] = [replace(one, created_at=one.created_at - by) for one in self.payments[reference]]

    def decide_pending(self, outcome: Outcome) -> None:
        """Set the outcome of every pending payment and refund."""
        for made in self.payments.values():
            made[:] = [replace(one, outcome=outcome) if one.outcome is Outcome.PENDING else one for one in made]
        for key, refund in self.refunds.items():
            if refund.outcome is Outcome.PENDING:
                self.refunds[key] = replace(refund, outcome=outcome)

    def captures(self, reference: UUID) -> int:
        """How often money was captured for a reference."""
        return sum(one.outcome is Outcome.SUCCEEDED for one in self.payments.get(reference, []))

    def refunded(self, reference: UUID) -> int:
        """Minor units refunded for a reference."""
        ours = [refund for key, refund in self.refunds.items() if f":{reference}:" in key]
        return _succeeded_minor(ours)

    def kept(self, reference: UUID) -> int:
        """Minor units that were captured for a reference and not refunded."""
        return _succeeded_minor(self.payments.get(reference, [])) - self.refunded(reference)

    def _refundable(self, payment_provider_id: str) -> int:
        made = [one for each in self.payments.values() for one in each if one.provider_id == payment_provider_id]
        refunds = [one for one in self.refunds.values() if one.payment_provider_id == payment_provider_id]
        return _succeeded_minor(made) - _succeeded_minor(refunds)

    def _reported(self, reference: UUID) -> list[ProviderPayment]:
        """The payments of a reference with what was refunded of the first."""
        made = self.payments.get(reference, [])
        refunded = self.refunded(reference)
        return [replace(one, refunded_minor=0 if number else refunded) for number, one in enumerate(made)]

    def _behaviour_of(self, reference: UUID, charge: Charge) -> Behaviour:
        behaviour = TOKENS.get((charge.card_token or "").removeprefix("tok_"), self.behaviour)
        if self.behaviour is Behaviour.UNAVAILABLE:
            return self.behaviour
        # The token loses the first request only, so that a retry can succeed.
        if behaviour is not self.behaviour and behaviour is Behaviour.REQUEST_LOST and self.charges[reference] > 1:
            return Behaviour.SUCCEEDS
        return behaviour

    def _check_available(self) -> None:
        if self.behaviour is Behaviour.UNAVAILABLE:
            _fail_before(self.behaviour)


def _fail_before(behaviour: Behaviour) -> None:
    match behaviour:
        case Behaviour.UNAVAILABLE:
            raise GatewayUnavailable("unavailable", retry_after=0.1)
        case Behaviour.REFUSES:
            raise GatewayRefused("refused")
        case Behaviour.REQUEST_LOST:
            raise GatewayUnknown("the request was lost")
        case Behaviour.KILLED_BEFORE:
            raise Killed


def _fail_after(behaviour: Behaviour, made: Made) -> Made:
    if behaviour is Behaviour.ANSWER_LOST:
        raise GatewayUnknown("the answer was lost")
    if behaviour is Behaviour.KILLED_AFTER:
        raise Killed
    return made


def _refund_of(request: RefundRequest, outcome: Outcome) -> ProviderRefund:
    paid, key = request.payment_provider_id, request.key
    return ProviderRefund(f"r-{key}", paid, outcome, request.amount, datetime.now(UTC), key=key)


def _failure_code(outcome: Outcome) -> str | None:
    return "insufficient_funds" if outcome is Outcome.FAILED else None


def _succeeded_minor(made: list[ProviderPayment] | list[ProviderRefund]) -> int:
    amounts: list[Money] = [one.amount for one in made if one.outcome is Outcome.SUCCEEDED]
    return sum(amount.minor for amount in amounts)


@dataclass
class FaultyGateway:
    """A proxy for another gateway. Raises what `before` or `after` hold for the next call of a name; records calls."""

    inner: Gateway
    before: dict[str, BaseException] = field(default_factory=dict)
    after: dict[str, BaseException] = field(default_factory=dict)
    #: names of the calls that reached the other gateway, in order
    calls: list[str] = field(default_factory=list)
    #: True: look-ups find no payment, although the provider has it
    hides_payments: bool = False
    #: look-ups of refunds wait here for each other, so that all of them read the same state
    barrier: threading.Barrier | None = None

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def methods(self) -> Mapping[PaymentMethodType, MethodRules]:
        return self.inner.methods

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        self._raise("charge", self.before)
        self.calls.append("charge")
        made = self.inner.charge(reference, charge, within=within)
        self._raise("charge", self.after)
        return made

    def look_up(self, lookup: PaymentLookup, *, within: float) -> ProviderPayment | None:
        self._raise("look_up", self.before)
        self.calls.append("look_up")
        return None if self.hides_payments else self.inner.look_up(lookup, within=within)

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        self._raise("refund", self.before)
        self.calls.append("refund")
        made = self.inner.refund(request, within=within)
        self._raise("refund", self.after)
        return made

    def look_up_refund(
        self, request: RefundRequest, provider_id: str | None, *, within: float
    ) -> ProviderRefund | None:
        self.calls.append("look_up_refund")
        found = self.inner.look_up_refund(request, provider_id, within=within)
        if self.barrier is not None:
            self.barrier.wait(timeout=30)
        return found

    def list_payments(
        self, created_from: datetime, created_to: datetime, *, within: float
    ) -> Iterator[ProviderPayment]:
        self._raise("list_payments", self.before)
        return self.inner.list_payments(created_from, created_to, within=within)

    def list_refunds(self, created_from: datetime, created_to: datetime, *, within: float) -> Iterator[ProviderRefund]:
        self._raise("list_refunds", self.before)
        return self.inner.list_refunds(created_from, created_to, within=within)

    def list_refunds_of(self, payment_provider_id: str, *, within: float) -> Iterator[ProviderRefund]:
        self._raise("list_refunds_of", self.before)
        return self.inner.list_refunds_of(payment_provider_id, within=within)

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> WebhookEvent | None:
        return self.inner.read_webhook(headers, body, source)

    @staticmethod
    def _raise(name: str, planned: dict[str, BaseException]) -> None:
        if name in planned:
            raise planned.pop(name)
