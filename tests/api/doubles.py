"""A payment provider in memory: what a card token says is what happens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from services.clock import new_id
from services.errors import InvalidSignature
from services.payments.gateway import (
    MethodRules,
    Outcome,
    PaymentLookup,
    ProviderPayment,
    ProviderRefund,
    RefundRequest,
    WebhookEvent,
)
from services.payments.status import MethodKind
from services.payments.views import Charge

OUTCOMES = {"tok_pending": Outcome.PENDING, "tok_declines": Outcome.FAILED}
PAGE = "https://bank.example/3ds"


class MemoryGateway:
    """Charges succeed unless the token says otherwise; messages are genuine when they come from 127.0.0.1."""

    name = "memory"
    methods: Mapping[MethodKind, MethodRules] = dict.fromkeys(MethodKind, MethodRules(term=3600))

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        outcome = OUTCOMES.get(charge.card_token or "", Outcome.SUCCEEDED)
        page = PAGE if outcome is Outcome.PENDING else None
        return ProviderPayment(f"p-{reference}", outcome, charge.amount, page)

    def look_up(self, lookup: PaymentLookup, *, within: float) -> ProviderPayment | None:
        return None

    def refund(self, request: RefundRequest, *, within: float) -> ProviderRefund:
        return ProviderRefund(f"r-{new_id()}", Outcome.SUCCEEDED, request.amount)

    def look_up_refund(
        self, request: RefundRequest, provider_id: str | None, *, within: float
    ) -> ProviderRefund | None:
        return None

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> WebhookEvent | None:
        if source != "127.0.0.1":
            raise InvalidSignature("This message is not from the provider.")
        told = json.loads(body)
        return WebhookEvent(told["id"], "payment.succeeded", told["payment"], None)
