"""The payment provider: charges payments and sends webhooks as the test card or phone specifies."""

import sqlite3
from dataclasses import dataclass, replace
from decimal import Decimal

from sandbox.standins.provider.idempotence import IdempotenceKey, IdempotenceStore, KeyReused
from sandbox.standins.provider.ledger import Ledger, Payment, Status, sum_refunded
from sandbox.standins.provider.request_checks import PaymentRequest
from sandbox.standins.provider.scenarios import (
    STALE_WEBHOOK_DELAY,
    WEBHOOK_AFTER_RESPONSE,
    Reply,
    Scenario,
    completed,
    scenario_of,
)
from sandbox.standins.provider.scheduler import ScheduledTask, Scheduler
from sandbox.standins.provider.test_cards import SERVER_ERROR, Behaviour, instrument_of
from sandbox.standins.provider.webhooks import PaymentEvent, Webhooks
from sandbox.standins.provider.yookassa_json import (
    SIGNED_STATUSES,
    JsonObject,
    internal_server_error,
    invalid_request,
    not_found,
    payment_object,
)
from sandbox.standins.settings import Settings
from sandbox.standins.storage import transaction


@dataclass(frozen=True)
class ProviderResponse:
    """The response to the shop, sent after `delay` seconds; without a body the request is never answered."""

    body: JsonObject | None
    status: int = 200
    delay: float = 0.0


class Provider:
    """Payments of one shop. Methods do not block; each is one transaction of the ledger."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, webhooks: Webhooks, page: str) -> None:
        self.db = db
        self.settings = settings
        self.webhooks = webhooks
        self.page = page
        self.ledger = Ledger(db)
        self.idempotence = IdempotenceStore(db)
        self.completions = Scheduler(db, "completion", self._complete_when_due)

    def create_payment(self, request: PaymentRequest, key: IdempotenceKey) -> ProviderResponse:
        """Create a payment, or return the one that this key created. Raises ApiError 400."""
        with transaction(self.db):
            if request.instrument.behaviour is not Behaviour.IGNORES_KEYS:
                known = self.find_by_key(key)
                if known is not None:
                    return ProviderResponse(self.payment_json(self.payment(known)))
            if self._hangs(request):
                return ProviderResponse(None)
            return self._charge(request, key)

    def _charge(self, request: PaymentRequest, key: IdempotenceKey) -> ProviderResponse:
        scenario = scenario_of(request.instrument, self.settings)
        pending = _payment(request)
        payment = pending if scenario.delay else completed(pending, scenario)
        shown = self.payment_json(payment)
        self.ledger.add_payment(payment)
        self.idempotence.save(key, payment.id)
        if scenario.delay:
            self.completions.schedule({"payment": payment.id}, scenario.delay)
            if scenario.webhook_delays:
                event = PaymentEvent(payment, "pending")
                self.webhooks.announce(event, min(WEBHOOK_AFTER_RESPONSE, scenario.delay / 2))
        else:
            self._announce(payment, scenario, shown)
        if scenario.stale:
            shown = self._announce_stale(pending)
        return replace(response_for(shown, scenario.reply), delay=scenario.reply_delay)

    def _announce_stale(self, pending: Payment) -> JsonObject:
        shown = self.payment_json(pending)
        older = shown | {"status": "waiting_for_capture", "paid": True}
        event = PaymentEvent(pending, "pending", "payment.waiting_for_capture", older)
        self.webhooks.announce(event, STALE_WEBHOOK_DELAY)
        return shown

    def _hangs(self, request: PaymentRequest) -> bool:
        if request.instrument.behaviour is not Behaviour.TIMES_OUT_NOT_CHARGED:
            return False
        subject = request.metadata.get("reference", request.instrument.value)
        return self.idempotence.count(f"payment {subject}") == 1

    def decide(self, payment_id: str, approved: bool) -> Payment:
        """Apply the buyer's decision on the confirmation page, unless the payment is final. Raises ApiError 404."""
        payment = self.payment(payment_id)
        final_status = Status.SUCCEEDED if approved else Status.CANCELED
        reason = None if approved else "3d_secure_failed"
        self._complete(payment, replace(self.scenario_of(payment), final_status=final_status, cancel_reason=reason))
        return payment

    async def _complete_when_due(self, task: ScheduledTask) -> None:
        payment = self.ledger.payment(task.body["payment"])
        if payment is not None:
            self._complete(payment, self.scenario_of(payment))

    def scenario_of(self, payment: Payment) -> Scenario:
        """The scenario of a payment's card or phone."""
        return scenario_of(instrument_of(payment.method, payment.instrument), self.settings)

    def _complete(self, payment: Payment, scenario: Scenario) -> None:
        final = completed(payment, scenario)
        with transaction(self.db):
            if self.ledger.finish(final):
                self._announce(final, scenario, self.payment_json(final))

    def _announce(self, payment: Payment, scenario: Scenario, shown: JsonObject) -> None:
        event = PaymentEvent(payment, SIGNED_STATUSES[payment.status], f"payment.{payment.status}", shown)
        for delay in scenario.webhook_delays:
            self.webhooks.announce(event, delay)

    def find_by_key(self, key: IdempotenceKey) -> str | None:
        """The id of the object that this key created, or None. Raises ApiError 400 when the body differs."""
        try:
            return self.idempotence.find(key)
        except KeyReused:
            raise invalid_request("Idempotence key duplicated", "Idempotence-Key") from None

    def payment_json(self, payment: Payment) -> JsonObject:
        """The JSON representation of a payment."""
        paid = payment.status is Status.SUCCEEDED
        refunded = sum_refunded(self.ledger.refunds_of(payment.id)) if paid else Decimal(0)
        return payment_object(payment, refunded, self.settings.shop_id, self.page)

    def payment(self, payment_id: str) -> Payment:
        """The payment with this provider id. Raises ApiError 404."""
        payment = self.ledger.payment(payment_id)
        if payment is None:
            raise not_found("payment")
        return payment


def response_for(shown: JsonObject, reply: Reply) -> ProviderResponse:
    """The response to a request after its work is done."""
    if reply is Reply.ERROR:
        return ProviderResponse(internal_server_error().body, SERVER_ERROR)
    return ProviderResponse(None if reply is Reply.NONE else shown)


def _payment(request: PaymentRequest) -> Payment:
    return Payment(
        method=request.instrument.method,
        instrument=request.instrument.value,
        value=request.value,
        currency=request.currency,
        metadata=request.metadata,
        description=request.description,
        return_url=request.return_url,
    )
