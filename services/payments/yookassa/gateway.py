"""The gateway port for YooKassa (API v3): cards by one-time token, and mobile phone balances.

https://yookassa.ru/developers/api
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import httpx2
import structlog

from services.payments.gateway import (
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
from services.payments.views import Charge, Receipt
from services.payments.yookassa.client import YooKassaClient
from services.payments.yookassa.http import BoundedTransport, Exchange
from services.payments.yookassa.objects import AnyObject, JsonObject, payment_body, reference_of
from services.payments.yookassa.parsing import read_payment, read_refund, readable_payments, readable_refunds
from services.payments.yookassa.receipt_body import receipt_body
from services.payments.yookassa.webhooks import SOURCES, WebhookReader

log = structlog.get_logger(__name__)

# The provider's clock may differ from ours by this much.
_SKEW = timedelta(minutes=2)


class YooKassa:
    """A `Gateway`. YooKassa remembers an `Idempotence-Key` for 24 hours; later repetitions rely on look-ups."""

    name = "yookassa"

    def __init__(
        self,
        base_url: str,
        shop_id: str,
        secret_key: str,
        methods: Mapping[PaymentMethodType, MethodRules],
        *,
        shop_name: str = "Marketplace",
        sources: Sequence[str] = SOURCES,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`base_url` ends in `/v3`; the provider's page shows `shop_name` to the buyer.

        `sources` are the networks from which webhooks are accepted.
        """
        self.methods = methods
        self._shop_name = shop_name
        self._webhooks = WebhookReader(sources)
        exchange = Exchange(base_url, (shop_id, secret_key), transport or BoundedTransport())
        self._client = YooKassaClient(exchange)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        """POST /payments."""
        key = {"Idempotence-Key": f"charge:{reference}"}
        body = payment_body(reference, charge, self._shop_name) | _receipt(charge.receipt, charge.currency)
        made = self._client.ask(AnyObject, "POST", "payments", within, body=body, headers=key)
        if made is None or reference_of(made.root) != reference:
            raise GatewayUnknown("the response concerns another payment")
        return read_payment(made.root)

    def look_up(self, lookup: PaymentLookup, *, within: float) -> ProviderPayment | None:
        """GET /payments/{id} for a known or candidate id, else GET /payments by creation time: there is no search."""
        until = time.monotonic() + within
        if lookup.provider_id is not None:
            return self._get_recorded(lookup.provider_id, lookup.reference, until)
        for candidate in lookup.candidate_ids:
            if found := self._get(candidate, lookup.reference, until):
                return found
        since = lookup.since - _SKEW
        found = self._listed(lookup.reference, since, lookup.until + _SKEW, until)
        if found is None and lookup.earliest is not None and lookup.earliest < since:
            return self._listed(lookup.reference, lookup.earliest - _SKEW, since, until)
        return found

    def _listed(self, reference: UUID, since: datetime, before: datetime, until: float) -> ProviderPayment | None:
        listed = self._client.list_all("payments", _created(since, before), until)
        ours = [read_payment(found) for found in listed if reference_of(found) == reference]
        if len(ours) > 1:
            log.error("payments.duplicates_at_provider", payment_id=str(reference), count=len(ours))
        return min(ours, key=_precedence, default=None)

    def _get_recorded(self, provider_id: str, reference: UUID, until: float) -> ProviderPayment:
        found = self._get(provider_id, reference, until)
        if found is None:
            raise GatewayUnknown("the provider no longer has a recorded payment")
        return found

    def _get(self, provider_id: str, reference: UUID, until: float) -> ProviderPayment | None:
        found = self._client.ask(AnyObject, "GET", f"payments/{provider_id}", until - time.monotonic())
        return read_payment(found.root) if found is not None and reference_of(found.root) == reference else None

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        """POST /refunds; `description` carries our key too, because refunds have no metadata."""
        body = {
            "payment_id": request.payment_provider_id,
            "amount": {"value": request.amount.text, "currency": request.amount.currency},
            "description": request.key,
            **_receipt(request.receipt, request.amount.currency),
        }
        key = {"Idempotence-Key": request.key}
        return _answered(self._client.ask(AnyObject, "POST", "refunds", within, body=body, headers=key), request)

    def look_up_refund(
        self, request: RefundRequest, provider_id: str | None, *, within: float
    ) -> ProviderRefund | None:
        """GET /refunds/{id}, or GET /refunds of the payment, filtered by our key."""
        until = time.monotonic() + within
        if provider_id is not None:
            return _answered(self._client.ask(AnyObject, "GET", f"refunds/{provider_id}", within), request)
        listed = self._client.list_all("refunds", {"payment_id": request.payment_provider_id}, until)
        ours = next((found for found in listed if found.get("description") == request.key), None)
        return _answered(AnyObject(ours), request) if ours else None

    def list_payments(
        self, created_from: datetime, created_to: datetime, *, within: float
    ) -> Iterator[ProviderPayment]:
        """GET /payments by creation time."""
        until = time.monotonic() + within
        return readable_payments(self._client.list_all("payments", _created(created_from, created_to), until))

    def list_refunds(self, created_from: datetime, created_to: datetime, *, within: float) -> Iterator[ProviderRefund]:
        """GET /refunds by creation time."""
        until = time.monotonic() + within
        return readable_refunds(self._client.list_all("refunds", _created(created_from, created_to), until))

    def list_refunds_of(self, payment_provider_id: str, *, within: float) -> Iterator[ProviderRefund]:
        """GET /refunds of the payment."""
        until = time.monotonic() + within
        return readable_refunds(self._client.list_all("refunds", {"payment_id": payment_provider_id}, until))

    def read_webhook(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - required by the port; this provider does not sign
        body: bytes,
        source: str | None,
    ) -> WebhookEvent | None:
        """Accept a webhook by its source address; only the ids are used, the state comes from a look-up."""
        return self._webhooks.read(body, source)


def _created(since: datetime, before: datetime) -> dict[str, str]:
    """The query for objects created at or after `since` and before `before`."""
    return {"created_at.gte": since.isoformat(), "created_at.lt": before.isoformat()}


def _receipt(receipt: Receipt | None, currency: str) -> JsonObject:
    return {} if receipt is None else {"receipt": receipt_body(receipt, currency)}


def _answered(found: AnyObject | None, request: RefundRequest) -> ProviderRefund:
    refund = read_refund(found.root) if found is not None else None
    same_payment = refund is not None and refund.payment_provider_id == request.payment_provider_id
    if refund is None or not same_payment or refund.amount != request.amount:
        raise GatewayUnknown("the response concerns another refund")
    return refund


def _precedence(payment: ProviderPayment) -> int:
    """Sort key of several payments with one reference: captured money counts first."""
    return (Outcome.SUCCEEDED, Outcome.PENDING, Outcome.FAILED).index(payment.outcome)
