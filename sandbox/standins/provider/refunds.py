"""Money given back: how much is left of a payment, and what its card's script makes of the attempt."""

from decimal import Decimal

from sandbox.standins.provider.idempotence import Key
from sandbox.standins.provider.ledger import Payment, Refund, Status, sum_refunded
from sandbox.standins.provider.provider import Answer, Provider, answer_of
from sandbox.standins.provider.request_checks import RefundRequest
from sandbox.standins.provider.test_cards import SERVER_ERROR, Behaviour, Method, script_of
from sandbox.standins.provider.webhooks import News
from sandbox.standins.provider.yookassa_json import internal_server_error, invalid_request, not_found, refund_object
from sandbox.standins.storage import transaction

FAILURES_BEFORE_A_REFUND = 2


class Refunds:
    """Refunds of the provider's payments; like it, they never wait."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.ledger = provider.ledger

    def refund(self, request: RefundRequest, key: Key) -> Answer:
        """Gives money back, or shows the refund this key made. Raises Refusal 400."""
        with transaction(self.provider.db):
            known = self.provider.made_by(key)
            if known is not None:
                return Answer(refund_object(self.find(known)))
            payment = self._refundable(request)
            if self._breaks(payment):
                return Answer(internal_server_error().body, SERVER_ERROR)
            refund = self._give_back(request, payment)
            self.provider.memory.keep(key, refund.id)
            return answer_of(refund_object(refund), self.provider.plan_of(payment).reply)

    def _give_back(self, request: RefundRequest, payment: Payment) -> Refund:
        fails = script_of(payment.method, payment.instrument).behaviour is Behaviour.REFUND_FAILS
        status = Status.CANCELED if fails else Status.SUCCEEDED
        refund = Refund(payment.id, request.value, request.currency, status, request.description)
        self.ledger.add_refund(refund)
        if not fails:
            self._announce(refund, payment)
        return refund

    def _announce(self, refund: Refund, payment: Payment) -> None:
        whole = sum_refunded(self.ledger.refunds_of(payment.id)) == Decimal(payment.value)
        news = News(payment, "refunded" if whole else None, "refund.succeeded", refund_object(refund))
        for delay in self.provider.plan_of(payment).calls:
            self.provider.webhooks.announce(news, delay)

    def _breaks(self, payment: Payment) -> bool:
        script = script_of(payment.method, payment.instrument)
        if script.behaviour is Behaviour.REFUND_FAILS_TWICE:
            return self.provider.memory.count(f"refund {payment.id}") <= FAILURES_BEFORE_A_REFUND
        return script.refunds_break

    def _refundable(self, request: RefundRequest) -> Payment:
        payment = self.ledger.payment(request.payment_id)
        if payment is None:
            raise invalid_request("Incorrect payment_id. Payment doesn't exist or access denied", "payment_id")
        if payment.status is not Status.SUCCEEDED:
            raise invalid_request("Only a succeeded payment can be refunded", "payment_id")
        if request.currency != payment.currency:
            raise invalid_request("The currency is not the payment's", "amount.currency")
        self._check_value(payment, Decimal(request.value))
        return payment

    def _check_value(self, payment: Payment, value: Decimal) -> None:
        captured = Decimal(payment.value)
        if value > captured - sum_refunded(self.ledger.refunds_of(payment.id)):
            raise invalid_request("The amount is more than is left of the payment", "amount.value")
        if payment.method == Method.PHONE and value != captured:
            raise invalid_request("A payment from a phone's balance is refunded in full only", "amount.value")

    def find(self, refund_id: str) -> Refund:
        """The refund with the provider's id. Raises Refusal 404."""
        refund = self.ledger.refund(refund_id)
        if refund is None:
            raise not_found("refund")
        return refund
