"""HTTP operations of the sandbox itself: inbox, ledger, test cards and outages."""

import json
from collections import defaultdict
from typing import TypedDict

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.standins.inbox.messages import Inbox, MessageFilter, message_json
from sandbox.standins.outage import Outages, Target
from sandbox.standins.provider.ledger import Filter, Ledger, Payment, Refund, Status
from sandbox.standins.provider.test_cards import known_test_cards
from sandbox.standins.provider.yookassa_json import timestamp

MAX_OUTAGE = 86_400.0
STATUSES = (None, 200, 429, 500, 503)


class RefundItem(TypedDict):
    """A refund in the ledger's JSON; `amount` is a decimal string in the currency of the payment."""

    refundId: str
    amount: str
    status: str


class LedgerItem(TypedDict):
    """A payment in the ledger's JSON; `reference` is our payment id, `amount` a decimal string."""

    paymentId: str
    reference: str | None
    method: str
    amount: str
    currency: str
    status: str
    captures: int
    refunds: list[RefundItem]
    createdAt: str


class BadRequest(Exception):
    """An invalid query or body; the message is returned to the caller."""


class Controls:
    """JSON operations used by tests, the demo and the pages."""

    def __init__(self, inbox: Inbox, ledger: Ledger, outages: Outages) -> None:
        self.inbox = inbox
        self.ledger = ledger
        self.outages = outages

    def routes(self) -> list[Route]:
        """The paths and their handlers."""
        return [
            Route("/inbox", self.read_inbox, methods=["GET"]),
            Route("/inbox", self.clear_inbox, methods=["DELETE"]),
            Route("/ledger", self.read_ledger, methods=["GET"]),
            Route("/scripts", self.read_test_cards, methods=["GET"]),
            Route("/outage", self.start_outage, methods=["POST"]),
        ]

    async def read_inbox(self, request: Request) -> Response:
        """Return messages filtered by `to`, `channel` and `after` (an id), newest last; the first `limit`, or all."""
        wanted, limit = message_filter(request), request.query_params.get("limit", "")
        found = self.inbox.first(wanted, int(limit)) if limit.isdecimal() else self.inbox.find(wanted)
        return JSONResponse({"items": [message_json(message) for message in found]})

    async def clear_inbox(self, _request: Request) -> Response:
        """Delete every message."""
        self.inbox.clear()
        return Response(status_code=204)

    async def read_ledger(self, request: Request) -> Response:
        """Return the provider's payments, of one `reference` or all, oldest first."""
        return JSONResponse({"items": ledger_items(self.ledger, request.query_params.get("reference"))})

    async def read_test_cards(self, _request: Request) -> Response:
        """Return the test cards and test phones."""
        return JSONResponse(known_test_cards())

    async def start_outage(self, request: Request) -> Response:
        """Make `target` unavailable for `seconds`; 0 ends the outage. `status` (optional) is its response meanwhile."""
        try:
            self.outages.start(*_outage(await request.body()))
        except BadRequest as bad:
            return JSONResponse({"detail": str(bad)}, 400)
        return Response(status_code=204)


def message_filter(request: Request) -> MessageFilter:
    """The message filter of a query; an empty parameter filters nothing."""
    query = request.query_params
    after = query.get("after", "")
    # An unescaped plus in a query is decoded as a space.
    to = query.get("to", "").replace(" ", "+").strip()
    return MessageFilter(to or None, query.get("channel") or None, int(after) if after.isdecimal() else 0)


def ledger_items(ledger: Ledger, reference: str | None, newest: int = -1) -> list[LedgerItem]:
    """Payments with their refunds, oldest first; `newest` limits the result to that many of the latest."""
    payments = ledger.payments(Filter() if reference is None else Filter().also("reference = ?", reference), newest)
    refunds: dict[str, list[Refund]] = defaultdict(list)
    known = ledger.refunds(Filter()) if reference is None else _refunds_of(ledger, payments)
    for refund in reversed(known):
        refunds[refund.payment_id].append(refund)
    return [_item(payment, refunds[payment.id]) for payment in reversed(payments)]


def _refunds_of(ledger: Ledger, payments: list[Payment]) -> list[Refund]:
    return [refund for payment in payments for refund in ledger.refunds_of(payment.id)]


def _item(payment: Payment, refunds: list[Refund]) -> LedgerItem:
    return {
        "paymentId": payment.id,
        "reference": payment.reference,
        "method": payment.method,
        "amount": payment.value,
        "currency": payment.currency,
        "status": payment.status,
        "captures": int(payment.status is Status.SUCCEEDED),
        "refunds": [{"refundId": refund.id, "amount": refund.value, "status": refund.status} for refund in refunds],
        "createdAt": timestamp(payment.created_ms),
    }


def _outage(body: bytes) -> tuple[Target, float, int | None]:
    try:
        given = json.loads(body)
        target, seconds, status = Target(given["target"]), float(given["seconds"]), given.get("status")
    except (ValueError, TypeError, KeyError):
        raise BadRequest(f"target is one of {', '.join(Target)}; seconds is a number") from None
    if not 0 <= seconds <= MAX_OUTAGE:
        raise BadRequest(f"seconds is from 0 to {MAX_OUTAGE:.0f}")
    if status not in STATUSES:
        raise BadRequest("status is 429, 500 or 503 (with Retry-After), 200 (with truncated JSON), or omitted")
    return target, seconds, status
