"""Refunds: checks the refundable amount and applies the behaviour of the test card or phone."""

from decimal import Decimal

from sandbox.standins.provider.idempotence import IdempotenceKey
from sandbox.standins.provider.ledger import Payment, Refund, Status, sum_refunded
from sandbox.standins.provider.provider import Provider, ProviderResponse, response_for
from sandbox.standins.provider.request_checks import RefundRequest
from sandbox.standins.provider.test_cards import SERVER_ERROR, Behaviour, Method, instrument_of
from sandbox.standins.provider.webhooks import PaymentEvent
from sandbox.standins.provider.yookassa_json import internal_server_error, invalid_request, not_found, refund_object
from sandbox.standins.storage import transaction

FAILURES_BEFORE_A_REFUND = 2


class Refunds:
    """Refunds of the provider's payments."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.ledger = provider.ledger

    def create_refund(self, request: RefundRequest, key: IdempotenceKey) -> ProviderResponse:
        """Create a refund, or return the one that this key created. Raises ApiError 400."""
        with transaction(self.provider.db):
            known = self.provider.find_by_key(key)
            if known is not None:
                return ProviderResponse(refund_object(self.find(known)))
            payment = self._refundable(request)
            if self._fails_with_error(payment):
                return ProviderResponse(internal_server_error().body, SERVER_ERROR)
            refund = self._refund(request, payment)
            self.provider.idempotence.save(key, refund.id)
            return response_for(refund_object(refund), self.provider.scenario_of(payment).reply)

    def _refund(self, request: RefundRequest, payment: Payment) -> Refund:
        fails = instrument_of(payment.method, payment.instrument).behaviour is Behaviour.REFUND_FAILS
        status = Status.CANCELED if fails else Status.SUCCEEDED
        refund = Refund(payment.id, request.value, request.currency, status, request.description)
        self.ledger.add_refund(refund)
        if not fails:
            self._announce(refund, payment)
        return refund

    def _announce(self, refund: Refund, payment: Payment) -> None:
        complete = sum_refunded(self.ledger.refunds_of(payment.id)) == Decimal(payment.value)
        event = PaymentEvent(payment, "refunded" if complete else None, "refund.succeeded", refund_object(refund))
        for delay in self.provider.scenario_of(payment).webhook_delays:
            self.provider.webhooks.announce(event, delay)

    def _fails_with_error(self, payment: Payment) -> bool:
        instrument = instrument_of(payment.method, payment.instrument)
        if instrument.behaviour is Behaviour.REFUND_FAILS_TWICE:
            return self.provider.idempotence.count(f"refund {payment.id}") <= FAILURES_BEFORE_A_REFUND
        return instrument.refund_requests_fail

    def _refundable(self, request: RefundRequest) -> Payment:
        payment = self.ledger.payment(request.payment_id)
        if payment is None:
            raise invalid_request("Incorrect payment_id. Payment doesn't exist or access denied", "payment_id")
        if payment.status is not Status.SUCCEEDED:
            raise invalid_request("Only a succeeded payment can be refunded", "payment_id")
        if request.currency != payment.currency:
            raise invalid_request("The currency differs from the currency of the payment", "amount.currency")
        self._check_value(payment, Decimal(request.value))
        return payment

    def _check_value(self, payment: Payment, value: Decimal) -> None:
        captured = Decimal(payment.value)
        if value > captured - sum_refunded(self.ledger.refunds_of(payment.id)):
            raise invalid_request("The amount exceeds the refundable amount of the payment", "amount.value")
        if payment.method == Method.PHONE and value != captured:
            raise invalid_request("A payment by phone balance can only be refunded in full", "amount.value")

    def find(self, refund_id: str) -> Refund:
        """The refund with this provider id. Raises ApiError 404."""
        refund = self.ledger.refund(refund_id)
        if refund is None:
            raise not_found("refund")
        return refund
