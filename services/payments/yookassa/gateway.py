"""YooKassa behind the port: API v3, cards by one-time token and phone balances.

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
    Hint,
    MethodRules,
    Outcome,
    ProviderPayment,
    ProviderRefund,
    RefundOrder,
    Search,
)
from services.payments.views import Charge, Method
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

#: Where its notifications come from: they are unsigned (https://yookassa.ru/developers/using-api/webhooks#ip).
SOURCES = (
    "185.71.76.0/27",
    "185.71.77.0/27",
    "77.75.153.0/25",
    "77.75.154.128/25",
    "77.75.156.11/32",
    "77.75.156.35/32",
    "2a02:5180::/32",
)
# Clocks of two houses differ; a list that goes on for ever is no answer.
_SKEW = timedelta(minutes=2)
_PAGES = 100
_PAGE = "100"


def live_methods(card_term: float, phone_term: float) -> dict[Method, MethodRules]:
    """What the real YooKassa takes: roubles, by phone 10 to 15,000 of them, refunded in full only; terms in seconds."""
    roubles = frozenset({"RUB"})
    return {
        "card": MethodRules(card_term, min_minor=100, currencies=roubles),
        "phone": MethodRules(
            phone_term, partial_refunds=False, min_minor=1_000, max_minor=1_500_000, currencies=roubles
        ),
    }


def any_amount_methods(card_term: float, phone_term: float) -> dict[Method, MethodRules]:
    """What the sandbox's stand-in takes: any amount of any currency; terms in seconds."""
    return {"card": MethodRules(card_term), "phone": MethodRules(phone_term, partial_refunds=False)}


class YooKassa:
    """A `Gateway`. Repeating with one `Idempotence-Key` is one payment there for 24 h; after that, look-ups find it."""

    name = "yookassa"

    def __init__(
        self,
        base_url: str,
        shop_id: str,
        secret_key: str,
        methods: Mapping[Method, MethodRules],
        *,
        sources: Sequence[str] = SOURCES,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        """`base_url` ends in `/v3`; `sources` are the networks that webhooks may come from."""
        self.methods = methods
        self._sources = [ipaddress.ip_network(source) for source in sources]
        self._exchange = Exchange(base_url, (shop_id, secret_key), transport or BoundedTransport())

    def close(self) -> None:
        """Close its connections."""
        self._exchange.close()

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        """POST /payments."""
        key = {"Idempotence-Key": f"charge:{reference}"}
        body = payment_body(reference, charge)
        made = self._ask(PaymentObject, "POST", "payments", within, body=body, headers=key)
        if made is None or made.reference != str(reference):
            raise GatewayUnknown("the answer is about another payment")
        return _told_payment(made)

    def look_up(self, search: Search, *, within: float) -> ProviderPayment | None:
        """GET /payments/{id} where an id is known or hinted, else the list of that time: there is no other search."""
        until = time.monotonic() + within
        if search.provider_id is not None:
            return self._known(search.provider_id, search.reference, until)
        for hint in search.hints:
            if found := self._get(hint, search.reference, until):
                return _told_payment(found)
        ours = [p for p in self._payments(search, until) if p.reference == str(search.reference)]
        if len(ours) > 1:
            log.error("payments.several_at_provider", payment_id=str(search.reference), count=len(ours))
        return min((_told_payment(p) for p in ours), key=_by_weight, default=None)

    def _known(self, provider_id: str, reference: UUID, until: float) -> ProviderPayment:
        found = self._get(provider_id, reference, until)
        if found is None:
            raise GatewayUnknown("a recorded payment is gone at the provider")
        return _told_payment(found)

    def _get(self, provider_id: str, reference: UUID, until: float) -> PaymentObject | None:
        found = self._ask(PaymentObject, "GET", f"payments/{provider_id}", until - time.monotonic())
        return found if found is not None and found.reference == str(reference) else None

    def _payments(self, search: Search, until: float) -> Iterator[PaymentObject]:
        query = {
            "created_at.gte": (search.since - _SKEW).isoformat(),
            "created_at.lte": (search.until + _SKEW).isoformat(),
            "limit": _PAGE,
        }
        for _ in range(_PAGES):
            page = self._ask(PaymentPage, "GET", "payments", until - time.monotonic(), query=query)
            if page is None:
                raise GatewayUnknown("there is no list of payments")
            yield from page.items
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor
        raise GatewayUnknown("the list of payments has no end")

    def refund(self, order: RefundOrder, *, within: float) -> ProviderRefund:
        """POST /refunds; our key travels as its description as well, because a refund has no metadata."""
        body = {
            "payment_id": order.payment_provider_id,
            "amount": {"value": order.amount.text, "currency": order.amount.currency},
            "description": order.key,
        }
        key = {"Idempotence-Key": order.key}
        return _told_refund(self._ask(RefundObject, "POST", "refunds", within, body=body, headers=key), order)

    def look_up_refund(self, order: RefundOrder, provider_id: str | None, *, within: float) -> ProviderRefund | None:
        """GET /refunds/{id}, or the payment's refunds with our key."""
        until = time.monotonic() + within
        if provider_id is not None:
            return _told_refund(self._ask(RefundObject, "GET", f"refunds/{provider_id}", within), order)
        ours = [refund for refund in self._refunds(order, until) if refund.description == order.key]
        return _told_refund(ours[0], order) if ours else None

    def _refunds(self, order: RefundOrder, until: float) -> Iterator[RefundObject]:
        query = {"payment_id": order.payment_provider_id, "limit": _PAGE}
        for _ in range(_PAGES):
            page = self._ask(RefundPage, "GET", "refunds", until - time.monotonic(), query=query)
            if page is None:
                raise GatewayUnknown("there is no list of refunds")
            yield from page.items
            if page.next_cursor is None:
                return
            query["cursor"] = page.next_cursor
        raise GatewayUnknown("the list of refunds has no end")

    def read_webhook(
        self,
        headers: Mapping[str, str],  # noqa: ARG002 - the port has them; this provider signs nothing
        body: bytes,
        source: str | None,
    ) -> Hint | None:
        """Believes nothing but that something happened: the object is always asked for."""
        if not self._is_source(source):
            raise InvalidSignature("This message does not come from the provider.")
        try:
            message = Notification.model_validate_json(body)
        except ValidationError as error:
            raise Invalid("This is no notification of the provider.") from error
        kind, _, _ = message.event.partition(".")
        subject = message.object
        payment = {"payment": subject.id, "refund": subject.payment_id}.get(kind)
        if payment is None:
            return None
        return Hint(f"{message.event}:{subject.id}:{subject.status}", message.event, payment, subject.reference)

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
        """One exchange, its answer read as `kind`; None for 404."""
        try:
            answer = self._exchange.run(method, path, within=within, body=body, query=query, headers=headers)
        except NotSent as error:
            raise GatewayUnavailable("the provider cannot be reached") from error
        except Interrupted as error:
            raise GatewayUnknown("the provider did not answer") from error
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        _check(answer)
        try:
            return kind.model_validate_json(answer.content)
        except ValidationError as error:
            raise GatewayUnknown("the answer cannot be read") from error


# A 4xx says that nothing was done; these may come from a machine in between, or tell of an earlier request.
_AMBIGUOUS = frozenset({408, 409, 425})


def _check(answer: httpx2.Response) -> None:
    """Raises GatewayUnavailable, GatewayRefused or GatewayUnknown for everything but 200."""
    match answer.status_code:
        case 200:
            return
        case 429 | 503:
            raise GatewayUnavailable("the provider is busy", retry_after=_retry_after(answer))
        case 401 | 403:
            log.error("payments.credentials_refused", status=answer.status_code)
            raise GatewayUnavailable("the provider refuses our credentials", retry_after=30)
        case status if 400 <= status < 500 and status not in _AMBIGUOUS:
            raise _refusal(answer)
        case status:
            raise GatewayUnknown(f"the provider answered {status}")


def _refusal(answer: httpx2.Response) -> GatewayRefused | GatewayUnknown:
    try:
        problem = Problem.model_validate_json(answer.content)
    except ValidationError:
        return GatewayUnknown("a refusal cannot be read")
    if problem.parameter == "Idempotence-Key":
        # Our key made something before, with another body: it is there to be found.
        return GatewayUnknown("the key was used before")
    return GatewayRefused(problem.code)


def _retry_after(answer: httpx2.Response) -> float:
    given = answer.headers.get("retry-after", "")
    return float(min(int(given), 3600)) if given.isascii() and given.isdigit() else 5.0


def _told_payment(found: PaymentObject) -> ProviderPayment:
    try:
        return found.told()
    except ValueError as error:
        raise GatewayUnknown("the answer's amount cannot be read") from error


def _told_refund(found: RefundObject | None, order: RefundOrder) -> ProviderRefund:
    try:
        told = found.told() if found is not None else None
    except ValueError as error:
        raise GatewayUnknown("the answer's amount cannot be read") from error
    if told is None or found is None or found.payment_id != order.payment_provider_id or told.amount != order.amount:
        raise GatewayUnknown("the answer is about another refund")
    return told


def _by_weight(told: ProviderPayment) -> int:
    return (Outcome.SUCCEEDED, Outcome.PENDING, Outcome.FAILED).index(told.outcome)
