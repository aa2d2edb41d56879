"""The port to a payment provider: the calls every gateway must support, and their arguments and results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from services.money import MAX_MINOR, Money
from services.payments.status import PaymentMethodType
from services.payments.views import Charge, Receipt


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

    def __init__(self, code: str, *, parameter: str | None = None, shop_fault: bool = False) -> None:
        super().__init__(code)
        self.code = code
        #: the parameter of the request that the provider rejected, if it names one
        self.parameter = parameter
        #: the shop's settings or its request are wrong: another card or phone changes nothing
        self.shop_fault = shop_fault


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
    #: most lines of an order, where they are sent too (receipts); None: any number
    max_lines: int | None = None

    def takes_currency(self, currency: str) -> bool:
        """Whether a payment may be in this currency (ISO 4217)."""
        return self.currencies is None or currency in self.currencies

    def takes_amount(self, minor: int) -> bool:
        """Whether a payment may be of so many minor units."""
        return self.min_minor <= minor <= self.max_minor


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
    #: captured once it succeeded, asked for until then
    amount: Money
    #: by the provider's clock, UTC
    created_at: datetime
    confirmation_url: str | None = None
    failure_code: str | None = None
    #: our payment's id, which the provider stores with its payment; None: the payment is not ours
    reference: UUID | None = None
    #: our order's id, stored likewise; None in payments of earlier releases
    order_id: UUID | None = None
    #: sent back so far, in minor units of `amount`'s currency
    refunded_minor: int = 0
    method: PaymentMethodType = PaymentMethodType.CARD

    @property
    def captured_minor(self) -> int:
        """Minor units captured, in `amount`'s currency."""
        return self.amount.minor if self.outcome is Outcome.SUCCEEDED else 0

    @property
    def kept_minor(self) -> int:
        """Minor units captured and not sent back, in `amount`'s currency."""
        return self.captured_minor - self.refunded_minor

    @property
    def returned(self) -> bool:
        """Whether all of it was captured and sent back."""
        return self.outcome is Outcome.SUCCEEDED and self.kept_minor <= 0


@dataclass(frozen=True)
class ProviderRefund:
    """A refund as the provider reports it."""

    provider_id: str
    payment_provider_id: str
    outcome: Outcome
    amount: Money
    #: by the provider's clock, UTC
    created_at: datetime
    failure_code: str | None = None
    #: the key of our request; None: the refund was not requested by us, but made on the provider's own page
    key: str | None = None


@dataclass(frozen=True)
class PaymentLookup:
    """How to find a payment: by a known or candidate id, else among payments created from `since` to `until`.

    When there is none, among those created from `earliest` on.
    """

    #: our payment's id, which the provider stores with its payment
    reference: UUID
    #: the provider's id, once recorded
    provider_id: str | None
    #: provider ids named by webhooks; a payment found under one must carry our reference
    candidate_ids: Sequence[str]
    since: datetime
    until: datetime
    #: the database may have lost a charge that was made from this moment on; None: from `since`
    earliest: datetime | None = None


@dataclass(frozen=True)
class RefundRequest:
    """A refund to be made; `key` identifies it at the provider, however often it is requested."""

    key: str
    payment_provider_id: str
    amount: Money
    #: its lines sum to the amount; None: the shop sends no receipts
    receipt: Receipt | None = field(default=None, repr=False)


@dataclass(frozen=True)
class WebhookEvent:
    """A parsed webhook: something happened to one of the provider's payments, or to a refund of it."""

    webhook_id: str
    event: str
    #: the provider's id of the payment
    provider_id: str
    #: our payment's id, when the webhook carries it
    reference: UUID | None
    #: the provider's id of the refund, for a webhook about one
    refund_id: str | None = None


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

    def list_payments(
        self, created_from: datetime, created_to: datetime, *, within: float
    ) -> Iterator[ProviderPayment]:
        """Every payment created at or after `created_from` and before `created_to`, also those that are not ours.

        Read page by page, newest first; `within` limits the whole list. Payments that cannot be parsed are left
        out, so that one of somebody else's does not hide ours; those of ours are logged.
        """

    def list_refunds(self, created_from: datetime, created_to: datetime, *, within: float) -> Iterator[ProviderRefund]:
        """Every refund created in that time, as `list_payments`."""

    def list_refunds_of(self, payment_provider_id: str, *, within: float) -> Iterator[ProviderRefund]:
        """Every refund of one payment, as `list_payments`."""

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> WebhookEvent | None:
        """Parse a webhook that came from the IP address `source`; None when it concerns no payment.

        Raises InvalidSignature when it does not come from the provider, Invalid when it cannot be parsed.
        """
