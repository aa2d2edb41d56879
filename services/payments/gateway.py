"""The port to a payment provider: what can be asked of any of them, always by our own reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.money import MAX_MINOR, Money
from services.payments.views import Charge, Method


class GatewayError(Exception):
    """The provider gave no usable answer."""


class GatewayUnknown(GatewayError):
    """Whether the provider did what was asked is not known: it may have."""


class GatewayUnavailable(GatewayError):
    """The provider did nothing and asks to be left alone for `retry_after` seconds."""

    def __init__(self, detail: str, *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class GatewayRefused(GatewayError):
    """The provider did nothing and never will for this request; `code` is its word."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class MethodRules:
    """What a provider takes by one method: amounts in minor units, its term for a pending payment in seconds."""

    term: float
    partial_refunds: bool = True
    min_minor: int = 1
    max_minor: int = MAX_MINOR
    #: ISO 4217 codes; None: any
    currencies: frozenset[str] | None = None


class Outcome(StrEnum):
    """How far the provider is with a payment or a refund."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class ProviderPayment:
    """A payment as the provider tells it."""

    provider_id: str
    outcome: Outcome
    amount: Money
    confirmation_url: str | None = None
    failure_code: str | None = None


@dataclass(frozen=True)
class ProviderRefund:
    """A refund as the provider tells it."""

    provider_id: str
    outcome: Outcome
    amount: Money
    failure_code: str | None = None


@dataclass(frozen=True)
class Search:
    """Where a payment is to be found: under known or hinted ids, else among those made from `since` to `until`."""

    reference: UUID
    #: the provider's id, once recorded
    provider_id: str | None
    #: ids that messages have named; each is checked to carry our reference
    hints: Sequence[str]
    since: datetime
    until: datetime


@dataclass(frozen=True)
class RefundOrder:
    """Money to be sent back; `key` is our reference of the refund."""

    key: str
    payment_provider_id: str
    amount: Money


@dataclass(frozen=True)
class Hint:
    """A provider's message, read: something happened to one of its payments."""

    webhook_id: str
    event: str
    provider_id: str
    #: our payment's id, when the message carries it
    reference: UUID | None


class Gateway(Protocol):
    """A payment provider. `within` bounds a whole exchange, in seconds; nothing is sent after that.

    Every call raises GatewayUnknown (it may have been done) or GatewayUnavailable (it was not); charge and refund
    also GatewayRefused.
    """

    @property
    def name(self) -> str:
        """How the provider is called in our rows and addresses."""

    @property
    def methods(self) -> Mapping[Method, MethodRules]:
        """What it can do."""

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        """Take money; the same reference again is the same payment."""

    def look_up(self, search: Search, *, within: float) -> ProviderPayment | None:
        """The payment with our reference, None when the provider has none."""

    def refund(self, order: RefundOrder, *, within: float) -> ProviderRefund:
        """Send money back; the same key again is the same refund."""

    def look_up_refund(self, order: RefundOrder, provider_id: str | None, *, within: float) -> ProviderRefund | None:
        """The refund with our key, None when the provider has none."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> Hint | None:
        """What a message says, None when it is about nothing of ours.

        Raises InvalidSignature when it does not come from the provider, Invalid when it cannot be read.
        """
