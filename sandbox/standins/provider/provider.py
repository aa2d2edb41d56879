"""The payment provider: what it charges and announces, by the script of the card or phone."""

import sqlite3
from dataclasses import dataclass, replace
from decimal import Decimal

from sandbox.standins.provider.idempotence import Key, KeyReused, Memory
from sandbox.standins.provider.ledger import Ledger, Payment, Status, sum_refunded
from sandbox.standins.provider.request_checks import PaymentRequest
from sandbox.standins.provider.scenarios import AFTER_THE_ANSWER, STALE_WEBHOOK, Plan, Reply, ended, plan_of
from sandbox.standins.provider.scheduler import Agenda, Task
from sandbox.standins.provider.test_cards import SERVER_ERROR, Behaviour, script_of
from sandbox.standins.provider.webhooks import News, Webhooks
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
class Answer:
    """What the shop is to get, `after` seconds from now; no body: nothing, ever."""

    body: JsonObject | None
    status: int = 200
    after: float = 0.0


class Provider:
    """Payments of one shop. Its methods never wait: each is one transaction of the ledger."""

    def __init__(self, db: sqlite3.Connection, settings: Settings, webhooks: Webhooks, page: str) -> None:
        self.db = db
        self.settings = settings
        self.webhooks = webhooks
        self.page = page
        self.ledger = Ledger(db)
        self.memory = Memory(db)
        self.endings = Agenda(db, "ending", self._end_when_due)

    def pay(self, request: PaymentRequest, key: Key) -> Answer:
        """Makes a payment, or shows the one this key made. Raises Refusal 400."""
        with transaction(self.db):
            if request.script.behaviour is not Behaviour.IGNORES_KEYS:
                known = self.made_by(key)
                if known is not None:
                    return Answer(self.show(self.payment(known)))
            if self._hangs(request):
                return Answer(None)
            return self._charge(request, key)

    def _charge(self, request: PaymentRequest, key: Key) -> Answer:
        plan = plan_of(request.script, self.settings)
        made = _payment(request)
        now = made if plan.after else ended(made, plan)
        self.ledger.add_payment(now)
        self.memory.keep(key, now.id)
        if plan.after:
            self.endings.put({"payment": now.id}, plan.after)
            if plan.calls:
                self.webhooks.announce(News(now, "pending"), min(AFTER_THE_ANSWER, plan.after / 2))
        else:
            self._announce(now, plan)
        return self._answer(made if plan.stale else now, plan)

    def _answer(self, payment: Payment, plan: Plan) -> Answer:
        shown = self.show(payment)
        if plan.stale:
            older = shown | {"status": "waiting_for_capture", "paid": True}
            self.webhooks.announce(News(payment, "pending", "payment.waiting_for_capture", older), STALE_WEBHOOK)
        return replace(answer_of(shown, plan.reply), after=plan.reply_after)

    def _hangs(self, request: PaymentRequest) -> bool:
        if request.script.behaviour is not Behaviour.TIMES_OUT_NOT_CHARGED:
            return False
        who = request.metadata.get("reference", request.script.value)
        return self.memory.count(f"payment {who}") == 1

    def decide(self, payment_id: str, approved: bool) -> Payment:
        """Takes the buyer's word from the confirmation page; too late changes nothing. Raises Refusal 404."""
        payment = self.payment(payment_id)
        ends = Status.SUCCEEDED if approved else Status.CANCELED
        reason = None if approved else "3d_secure_failed"
        self._end(payment, replace(self.plan_of(payment), ends=ends, cancel_reason=reason))
        return payment

    async def _end_when_due(self, task: Task) -> None:
        payment = self.ledger.payment(task.body["payment"])
        if payment is not None:
            self._end(payment, self.plan_of(payment))

    def plan_of(self, payment: Payment) -> Plan:
        """What the card or phone of a payment makes happen."""
        return plan_of(script_of(payment.method, payment.instrument), self.settings)

    def _end(self, payment: Payment, plan: Plan) -> None:
        now = ended(payment, plan)
        with transaction(self.db):
            if self.ledger.finish(now):
                self._announce(now, plan)

    def _announce(self, payment: Payment, plan: Plan) -> None:
        status = SIGNED_STATUSES[payment.status]
        for delay in plan.calls:
            self.webhooks.announce(News(payment, status, f"payment.{payment.status}", self.show(payment)), delay)

    def made_by(self, key: Key) -> str | None:
        """The id of what this key made before, if anything. Raises Refusal 400 when it came with another body."""
        try:
            return self.memory.find(key)
        except KeyReused:
            raise invalid_request("Idempotence key duplicated", "Idempotence-Key") from None

    def show(self, payment: Payment) -> JsonObject:
        """The payment as the API shows it."""
        paid = payment.status is Status.SUCCEEDED
        refunded = sum_refunded(self.ledger.refunds_of(payment.id)) if paid else Decimal(0)
        return payment_object(payment, refunded, self.settings.shop_id, self.page)

    def payment(self, payment_id: str) -> Payment:
        """The payment with the provider's id. Raises Refusal 404."""
        payment = self.ledger.payment(payment_id)
        if payment is None:
            raise not_found("payment")
        return payment


def answer_of(shown: JsonObject, reply: Reply) -> Answer:
    """What becomes of an answer when its work is done."""
    if reply is Reply.ERROR:
        return Answer(internal_server_error().body, SERVER_ERROR)
    return Answer(None if reply is Reply.NOTHING else shown)


def _payment(request: PaymentRequest) -> Payment:
    return Payment(
        method=request.script.method,
        instrument=request.script.value,
        value=request.value,
        currency=request.currency,
        metadata=request.metadata,
        description=request.description,
        return_url=request.return_url,
    )
