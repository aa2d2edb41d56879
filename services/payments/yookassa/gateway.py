"""The gateway port for YooKassa (API v3): cards by one-time token, and mobile phone balances.

https://yookassa.ru/developers/api
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
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
from services.payments.views import Charge
from services.payments.yookassa.client import YooKassaClient
from services.payments.yookassa.http import BoundedTransport, Exchange
from services.payments.yookassa.objects import PaymentObject, PaymentPage, RefundObject, RefundPage, payment_body
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
        sources: Sequence[str] = SOURCES,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`base_url` ends in `/v3`; `sources` are the networks from which webhooks are accepted."""
        self.methods = methods
        self._webhooks = WebhookReader(sources)
        exchange = Exchange(base_url, (shop_id, secret_key), transport or BoundedTransport())
        self._client = YooKassaClient(exchange)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        """POST /payments."""
        key = {"Idempotence-Key": f"charge:{reference}"}
        body = payment_body(reference, charge)
        made = self._client.ask(PaymentObject, "POST", "payments", within, body=body, headers=key)
        if made is None or made.reference != str(reference):
            raise GatewayUnknown("the response concerns another payment")
        return _read_payment(made)

    def look_up(self, lookup: PaymentLookup, *, within: float) -> ProviderPayment | None:
        """GET /payments/{id} for a known or candidate id, else GET /payments by creation time: there is no search."""
        until = time.monotonic() + within
        if lookup.provider_id is not None:
            return self._get_recorded(lookup.provider_id, lookup.reference, until)
        for candidate in lookup.candidate_ids:
            if found := self._get(candidate, lookup.reference, until):
                return _read_payment(found)
        ours = [p for p in self._payments(lookup, until) if p.reference == str(lookup.reference)]
        if len(ours) > 1:
            log.error("payments.duplicates_at_provider", payment_id=str(lookup.reference), count=len(ours))
        return min((_read_payment(p) for p in ours), key=_precedence, default=None)

    def _get_recorded(self, provider_id: str, reference: UUID, until: float) -> ProviderPayment:
        found = self._get(provider_id, reference, until)
        if found is None:
            raise GatewayUnknown("the provider no longer has a recorded payment")
        return _read_payment(found)

    def _get(self, provider_id: str, reference: UUID, until: float) -> PaymentObject | None:
        found = self._client.ask(PaymentObject, "GET", f"payments/{provider_id}", until - time.monotonic())
        return found if found is not None and found.reference == str(reference) else None

    def _payments(self, lookup: PaymentLookup, until: float) -> Iterator[PaymentObject]:
        query = {
            "created_at.gte": (lookup.since - _SKEW).isoformat(),
            "created_at.lte": (lookup.until + _SKEW).isoformat(),
        }
        return self._client.list_all(PaymentPage, "payments", query, until)

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        """POST /refunds; `description` carries our key too, because refunds have no metadata."""
        body = {
            "payment_id": request.payment_provider_id,
            "amount": {"value": request.amount.text, "currency": request.amount.currency},
            "description": request.key,
        }
        key = {"Idempotence-Key": request.key}
        return _read_refund(self._client.ask(RefundObject, "POST", "refunds", within, body=body, headers=key), request)

    def look_up_refund(
        self, request: RefundRequest, provider_id: str | None, *, within: float
    ) -> ProviderRefund | None:
        """GET /refunds/{id}, or GET /refunds of the payment, filtered by our key."""
        until = time.monotonic() + within
        if provider_id is not None:
            return _read_refund(self._client.ask(RefundObject, "GET", f"refunds/{provider_id}", within), request)
        of_payment = {"payment_id": request.payment_provider_id}
        refunds = self._client.list_all(RefundPage, "refunds", of_payment, until)
        ours = [refund for refund in refunds if refund.description == request.key]
        return _read_refund(ours[0], request) if ours else None

    def read_webhook(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - required by the port; this provider does not sign
        body: bytes,
        source: str | None,
    ) -> WebhookEvent | None:
        """Accept a webhook by its source address; only the ids are used, the state comes from a look-up."""
        return self._webhooks.read(body, source)


def _read_payment(found: PaymentObject) -> ProviderPayment:
    try:
        return found.to_provider_payment()
    except ValueError as error:
        raise GatewayUnknown("the amount in the response is invalid") from error


def _read_refund(found: RefundObject | None, request: RefundRequest) -> ProviderRefund:
    try:
        refund = found.to_provider_refund() if found is not None else None
    except ValueError as error:
        raise GatewayUnknown("the amount in the response is invalid") from error
    same_payment = found is not None and found.payment_id == request.payment_provider_id
    if refund is None or not same_payment or refund.amount != request.amount:
        raise GatewayUnknown("the response concerns another refund")
    return refund


def _precedence(payment: ProviderPayment) -> int:
    """Sort key of several payments with one reference: captured money counts first."""
    return (Outcome.SUCCEEDED, Outcome.PENDING, Outcome.FAILED).index(payment.outcome)
