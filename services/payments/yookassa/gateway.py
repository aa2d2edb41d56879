"""The gateway port for YooKassa (API v3): cards by one-time token, and mobile phone balances.

https://yookassa.ru/developers/api
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import httpx2
import structlog
from pydantic import BaseModel, ValidationError

from services.errors import Invalid, InvalidSignature
from services.payments.gateway import (
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
from services.payments.yookassa.http import BoundedTransport, Exchange, Interrupted, NotSent
from services.payments.yookassa.objects import (
    Notification,
    PaymentObject,
    PaymentPage,
    Problem,
    RefundObject,
    RefundPage,
    payment_body,
)

Read = TypeVar("Read", bound=BaseModel)
log = structlog.get_logger(__name__)

#: Networks from which YooKassa sends webhooks, which it does not sign (https://yookassa.ru/developers/using-api/webhooks#ip).
SOURCES = (
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
)
# The provider's clock may differ from ours by this much.
_SKEW = timedelta(minutes=2)
# Limits of a paged list; a longer list counts as no answer.
_MAX_PAGES = 100
_PAGE_SIZE = "100"


def live_methods(card_term: float, phone_term: float) -> dict[PaymentMethodType, MethodRules]:
    """Rules of the real YooKassa: RUB only; by phone 10 to 15,000 RUB, refunded in full only. Terms in seconds."""
    rub = frozenset({"RUB"})
    return {
        PaymentMethodType.CARD: MethodRules(card_term, min_minor=100, currencies=rub),
        PaymentMethodType.PHONE: MethodRules(
            phone_term, partial_refunds=False, min_minor=1_000, max_minor=1_500_000, currencies=rub
        ),
    }


def any_amount_methods(card_term: float, phone_term: float) -> dict[PaymentMethodType, MethodRules]:
    """Rules of the sandbox's stand-in: any amount in any currency. Terms in seconds."""
    phone = MethodRules(phone_term, partial_refunds=False)
    return {PaymentMethodType.CARD: MethodRules(card_term), PaymentMethodType.PHONE: phone}


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
        self._sources = [ipaddress.ip_network(source) for source in sources]
        self._exchange = Exchange(base_url, (shop_id, secret_key), transport or BoundedTransport())

    def close(self) -> None:
        """Close the connections."""
        self._exchange.close()

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        """POST /payments."""
        key = {"Idempotence-Key": f"charge:{reference}"}
        body = payment_body(reference, charge)
        made = self._ask(PaymentObject, "POST", "payments", within, body=body, headers=key)
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
        found = self._ask(PaymentObject, "GET", f"payments/{provider_id}", until - time.monotonic())
        return found if found is not None and found.reference == str(reference) else None

    def _payments(self, lookup: PaymentLookup, until: float) -> Iterator[PaymentObject]:
        query = {
            "created_at.gte": (lookup.since - _SKEW).isoformat(),
            "created_at.lte": (lookup.until + _SKEW).isoformat(),
            "limit": _PAGE_SIZE,
        }
        for _ in range(_MAX_PAGES):
            page = self._ask(PaymentPage, "GET", "payments", until - time.monotonic(), query=query)
            if page is None:
                raise GatewayUnknown("the provider has no list of payments")
            yield from page.items
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor
        raise GatewayUnknown("the list of payments is too long")

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        """POST /refunds; `description` carries our key too, because refunds have no metadata."""
        body = {
            "payment_id": request.payment_provider_id,
            "amount": {"value": request.amount.text, "currency": request.amount.currency},
            "description": request.key,
        }
        key = {"Idempotence-Key": request.key}
        return _read_refund(self._ask(RefundObject, "POST", "refunds", within, body=body, headers=key), request)

    def look_up_refund(
        self, request: RefundRequest, provider_id: str | None, *, within: float
    ) -> ProviderRefund | None:
        """GET /refunds/{id}, or GET /refunds of the payment, filtered by our key."""
        until = time.monotonic() + within
        if provider_id is not None:
            return _read_refund(self._ask(RefundObject, "GET", f"refunds/{provider_id}", within), request)
        ours = [refund for refund in self._refunds(request, until) if refund.description == request.key]
        return _read_refund(ours[0], request) if ours else None

    def _refunds(self, request: RefundRequest, until: float) -> Iterator[RefundObject]:
        query = {"payment_id": request.payment_provider_id, "limit": _PAGE_SIZE}
        for _ in range(_MAX_PAGES):
            page = self._ask(RefundPage, "GET", "refunds", until - time.monotonic(), query=query)
            if page is None:
                raise GatewayUnknown("the provider has no list of refunds")
            yield from page.items
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor
        raise GatewayUnknown("the list of refunds is too long")

    def read_webhook(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - required by the port; this provider does not sign
        body: bytes,
        source: str | None,
    ) -> WebhookEvent | None:
        """Accept a webhook by its source address; only the ids are used, the state comes from a look-up."""
        if not self._is_source(source):
            raise InvalidSignature("This webhook does not come from the payment provider.")
        try:
            message = Notification.model_validate_json(body)
        except ValidationError as error:
            raise Invalid("This is not a webhook of the payment provider.") from error
        kind, _, _ = message.event.partition(".")
        subject = message.object
        payment = {"payment": subject.id, "refund": subject.payment_id}.get(kind)
        if payment is None:
            return None
        return WebhookEvent(f"{message.event}:{subject.id}:{subject.status}", message.event, payment, subject.reference)

    def _is_source(self, source: str | None) -> bool:
        try:
            address = ipaddress.ip_address(source or "")
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in network for network in self._sources)

    def _ask(
        self,
        kind: type[Read],
        method: str,
        path: str,
        within: float,
        *,
        body: object = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Read | None:
        """One HTTP exchange with the response parsed as `kind`; None for 404."""
        try:
            response = self._exchange.run(method, path, within=within, body=body, query=query, headers=headers)
        except NotSent as error:
            raise GatewayUnavailable("the provider cannot be reached") from error
        except Interrupted as error:
            raise GatewayUnknown("the provider did not answer in full") from error
        if response.status_code == httpx2.codes.NOT_FOUND:
            return None
        _check_status(response)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise GatewayUnknown("the response is invalid") from error


# A 4xx means that nothing was done, except these: a proxy may send them, or they refer to an earlier request.
_AMBIGUOUS = frozenset({408, 409, 425})


def _check_status(response: httpx2.Response) -> None:
    """Raise GatewayUnavailable, GatewayRefused or GatewayUnknown for every status but 200."""
    match response.status_code:
        case 200:
            return
        case 429 | 503:
            raise GatewayUnavailable("the provider is busy", retry_after=_retry_after(response))
        case 401 | 403:
            log.error("payments.credentials_refused", status=response.status_code)
            raise GatewayUnavailable("the provider rejects our credentials", retry_after=30)
        case status if 400 <= status < 500 and status not in _AMBIGUOUS:
            raise _refusal(response)
        case status:
            raise GatewayUnknown(f"the provider answered {status}")


def _refusal(response: httpx2.Response) -> GatewayRefused | GatewayUnknown:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return GatewayUnknown("the error response is invalid")
    if problem.parameter == "Idempotence-Key":
        # The key was used with another body, so an earlier request was processed: a look-up will find its result.
        return GatewayUnknown("the idempotence key was used before")
    return GatewayRefused(problem.code)


def _retry_after(response: httpx2.Response) -> float:
    """Seconds from Retry-After, at most an hour; 5 without a usable header."""
    given = response.headers.get("retry-after", "")
    return float(min(int(given), 3600)) if given.isascii() and given.isdigit() else 5.0


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
