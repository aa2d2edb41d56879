"""A payment provider in memory: what a card token says is what happens."""

from __future__ import annotations

import json
from collections.abc import Mapping
from uuid import UUID

from services.clock import new_id
from services.errors import InvalidSignature
from services.payments.gateway import (
    Hint,
    MethodRules,
    Outcome,
    ProviderPayment,
    ProviderRefund,
    RefundOrder,
    Search,
)
from services.payments.views import Charge, Method

OUTCOMES = {"tok_pending": Outcome.PENDING, "tok_declines": Outcome.FAILED}
PAGE = "https://bank.example/3ds"


class MemoryGateway:
    """Charges succeed unless the token says otherwise; messages are genuine when they come from 127.0.0.1."""

    name = "memory"
    methods: Mapping[Method, MethodRules] = {"card": MethodRules(term=3600), "phone": MethodRules(term=3600)}

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        outcome = OUTCOMES.get(charge.card_token or "", Outcome.SUCCEEDED)
        page = PAGE if outcome is Outcome.PENDING else None
        return ProviderPayment(f"p-{reference}", outcome, charge.amount, page)

    def look_up(self, search: Search, *, within: float) -> ProviderPayment | None:
        return None

    def refund(self, order: RefundOrder, *, within: float) -> ProviderRefund:
        return ProviderRefund(f"r-{new_id()}", Outcome.SUCCEEDED, order.amount)

    def look_up_refund(self, order: RefundOrder, provider_id: str | None, *, within: float) -> ProviderRefund | None:
        return None

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> Hint | None:
        if source != "127.0.0.1":
            raise InvalidSignature("This message is not from the provider.")
        told = json.loads(body)
        return Hint(told["id"], "payment.succeeded", told["payment"], None)
