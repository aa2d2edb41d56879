"""The port to a payment provider: the calls every gateway must support, and their arguments and results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.money import MAX_MINOR, Money
from services.payments.status import PaymentMethodType
from services.payments.views import Charge


class GatewayError(Exception):
    """The provider gave no usable answer."""


class GatewayUnknown(GatewayError):
    """It is unknown whether the provider processed the request."""


class GatewayUnavailable(GatewayError):
    """The provider did not process the request; retry after `retry_after` seconds."""

    def __init__(self, detail: str, *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class GatewayRefused(GatewayError):
    """The provider rejected the request for good; `code` is the provider's error code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class MethodRules:
    """What a provider accepts for one payment method: amounts in minor units, times in seconds."""

    #: how long a payment may stay pending at the provider
    term: float
    partial_refunds: bool = True
    min_minor: int = 1
    max_minor: int = MAX_MINOR
    #: ISO 4217 codes; None: any currency
    currencies: frozenset[str] | None = None


class Outcome(StrEnum):
    """State of a payment or refund at the provider."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class ProviderPayment:
    """A payment as the provider reports it."""

    provider_id: str
    outcome: Outcome
    amount: Money
    confirmation_url: str | None = None
    failure_code: str | None = None


@dataclass(frozen=True)
class ProviderRefund:
    """A refund as the provider reports it."""

    provider_id: str
    outcome: Outcome
    amount: Money
    failure_code: str | None = None


@dataclass(frozen=True)
class PaymentLookup:
    """How to find a payment: by a known or candidate id, else among payments created from `since` to `until`."""

    #: our payment's id, which the provider stores with its payment
    reference: UUID
    #: the provider's id, once recorded
    provider_id: str | None
    #: provider ids named by webhooks; a payment found under one must carry our reference
    candidate_ids: Sequence[str]
    since: datetime
    until: datetime


@dataclass(frozen=True)
class RefundRequest:
    """A refund to be made; `key` identifies it at the provider, however often it is requested."""

    key: str
    payment_provider_id: str
    amount: Money


@dataclass(frozen=True)
class WebhookEvent:
    """A parsed webhook: something happened to one of the provider's payments."""

    webhook_id: str
    event: str
    #: the provider's id of the payment
    provider_id: str
    #: our payment's id, when the webhook carries it
    reference: UUID | None


class Gateway(Protocol):
    """A payment provider. `within` limits one whole call, in seconds; nothing is sent after that.

    Every call raises GatewayUnknown (it may have been processed) or GatewayUnavailable (it was not processed);
    `charge` and `refund` also raise GatewayRefused.
    """

    @property
    def name(self) -> str:
        """Name of the provider in our tables and URLs."""

    @property
    def methods(self) -> Mapping[PaymentMethodType, MethodRules]:
        """The payment methods that it accepts."""

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        """Charge; a repeated call with the same `reference` returns the same payment."""

    def look_up(self, lookup: PaymentLookup, *, within: float) -> ProviderPayment | None:
        """The payment with our reference, or None when the provider has none."""

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        """Refund; a repeated call with the same key returns the same refund."""

    def look_up_refund(
        self, request: RefundRequest, provider_id: str | None, *, within: float
    ) -> ProviderRefund | None:
        """The refund with our key, or None when the provider has none."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> WebhookEvent | None:
        """Parse a webhook that came from the IP address `source`; None when it concerns no payment.

        Raises InvalidSignature when it does not come from the provider, Invalid when it cannot be parsed.
        """
