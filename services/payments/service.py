"""The payments service: charges each attempt once, refunds once, and resolves unknown results by look-ups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from services.db import Database, Executor, retried
from services.errors import InvalidSignature, InvalidTransition, PaymentOrderMismatch
from services.idempotency import IdempotentRequest
from services.money import Money
from services.payments.archived_payments import NoArchive, PaymentArchive
from services.payments.call_budget import CallBudget
from services.payments.charge_rules import check_charge, check_method
from services.payments.charging import Charges, PaymentIntent, Recorder, view_of
from services.payments.gateway import Gateway
from services.payments.provider_lists import ProviderLists
from services.payments.provider_refunds import ProviderRefunds
from services.payments.receipts import Receipts, ReceiptSource
from services.payments.records import PaymentRecord
from services.payments.refund_intents import RefundIntents
from services.payments.refund_progress import combined
from services.payments.refunding import Refunds
from services.payments.refunds_repository import RefundRepository
from services.payments.repository import PaymentRepository
from services.payments.signatures import SignatureVerifier
from services.payments.status import PaymentMethodType, PaymentStatus
from services.payments.views import Charge, PaymentStatusReport, PaymentView, RefundProgress, RefundView, WebhookReceipt
from services.payments.webhook_inbox import WebhookInbox

#: Seconds between look-ups of a payment that a person has to decide.
REVIEW_RETRY_AFTER = 60.0

R = TypeVar("R")


class PaymentService:
    """Charges and refunds at one provider; no transaction is open during a call to the provider."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        *,
        call_budget: CallBudget | None = None,
        signatures: SignatureVerifier | None = None,
        receipts: ReceiptSource | None = None,
        archive: PaymentArchive | None = None,
    ) -> None:
        """With `receipts`, payments and refunds carry fiscal receipts. Archived payments are in `archive`."""
        self._database = database
        self._gateway = gateway
        budget, archive = call_budget or CallBudget(), archive or NoArchive()
        self._provider_refunds = ProviderRefunds(database, gateway, budget, archive)
        self._provider_lists = ProviderLists(database, gateway, self._provider_refunds)
        made = Receipts(database, receipts)
        self._charges = Charges(database, gateway, budget, self._provider_refunds, made, archive)
        self._refund_intents = RefundIntents(database, gateway, budget)
        self._refunds = Refunds(database, gateway, budget, self._refund_intents, self._provider_refunds, made)
        self._inbox = WebhookInbox(database, gateway, archive)
        self._signatures = signatures

    def check_method(self, method: str, total: Money, lines: int, pointer: str) -> None:
        """Raise Invalid, with the bounds, for an order of so many lines that cannot be paid by `card` or `phone`.

        `pointer` is that of the method in the request.
        """
        check_method(PaymentMethodType(method), total, lines, self._gateway.methods, pointer)

    def create_intent(self, charge: Charge, tx: Executor | None = None) -> PaymentIntent:
        """Write the payment of an attempt, which must be committed before it is charged; repeatable.

        Raises Invalid, CurrencyMismatch, AmountMismatch, OrderClosing, PaymentExists, Unavailable.
        """
        check_charge(charge, self._gateway.methods)
        return self._charges.create_intent(charge, tx)

    def charge_intent(self, intent: PaymentIntent, then: Recorder[R]) -> R:
        """Charge a committed intent, once; returns what `then` returns for the payment's state.

        `then` is called in the transaction that writes the provider's answer (when nothing is written: with the
        database); an error that it raises undoes what was written. For an attempt that was begun before it is the
        recorded payment; when its outcome is unknown and no other caller holds the claim, the payment is looked up at
        the provider first, and charged again only when it has none. A lost answer leaves it `unknown`.
        Raises Unavailable.
        """
        return self._charges.start(intent, then)

    def charge(self, charge: Charge) -> PaymentView:
        """Create the intent of an attempt and charge it. Raises as `create_intent` and `charge_intent`."""
        return self.charge_intent(self.create_intent(charge), view_of)

    def refresh(self, payment_id: UUID, retry: Charge | None = None) -> PaymentView:
        """As `refresh_and`, and returns the payment."""
        return self.refresh_and(payment_id, retry, view_of)

    def refresh_and(self, payment_id: UUID, retry: Charge | None, then: Recorder[R]) -> R:
        """Look up the payment at the provider and record its state; returns what `then` returns (`charge_intent`).

        When the provider has no such payment and no other caller holds the claim, it is charged again with `retry`;
        without `retry` it becomes `failed` (`not_charged`). A failed payment is looked up too, because a success may
        arrive late. Raises NotFound, PaymentOrderMismatch (`retry` is of another attempt), Unavailable.
        """
        record = self._charges.find(payment_id)
        if retry is not None and (retry.order_id, retry.attempt) != (record.view.order_id, record.view.attempt):
            raise PaymentOrderMismatch("This payment belongs to another attempt.")
        return self._charges.refresh(record, retry, then)

    def undo(self, order_id: UUID) -> RefundProgress:
        """Close the order to further charges, look up every undecided payment, and refund what was captured.

        Idempotent, also when called concurrently. Not `done` while the provider has not decided a payment or refund,
        or another caller holds a claim. Raises Unavailable.
        """
        return combined([self._undo(record) for record in self._close(order_id)], self.refunds_of(order_id))

    def refund_late(self, payment_id: UUID) -> RefundProgress:
        """Refund a payment that was captured after its order was closed, or after it was recorded as failed.

        Raises NotFound, InvalidTransition (it pays for an open order), Unavailable.
        """
        self._charges.refresh(self._charges.find(payment_id), None, view_of)
        record = self._charges.find(payment_id)
        if record.view.captured_minor and not (record.payments_closed or record.view.captured_late):
            raise InvalidTransition("This payment pays for an order that is not closed.")
        step = self._undo(record)
        return combined([step], [r for r in self.refunds_of(record.view.order_id) if r.payment_id == payment_id])

    def refund(
        self,
        order_id: UUID,
        payment_id: UUID,
        amount: Money,
        *,
        restock: bool = False,
        idempotent: IdempotentRequest | None = None,
    ) -> RefundView:
        """Refund a part or all of a payment for an operator; `pending` until the provider has decided.

        `restock` is kept with the refund for the caller; only a refund of all that is left may have it.
        Refunds that were made on the provider's own page are recorded first, as far as the provider answers.
        Raises NotFound, PaymentOrderMismatch, InvalidTransition (not captured), CurrencyMismatch,
        RefundExceedsCaptured, Invalid, Unavailable; and as `idempotency.remember`.
        """
        self._provider_refunds.try_record_of(self._charges.find(payment_id))
        record, replayed = self._refunds.refund_amount(order_id, payment_id, amount, restock, idempotent)
        return replace(record.view, replayed=replayed)

    def refresh_refund(self, refund_id: UUID) -> RefundView:
        """Look up a pending refund; request it again when the provider has none. Raises NotFound, Unavailable."""
        return self._refunds.refresh(refund_id).view

    def record_provider_refunds(self, payment_id: UUID, refund_id: str | None = None) -> int:
        """Record every refund that the provider has of a payment, also those made on its own page; repeatable.

        `refund_id`: ask the provider only when our books do not have this refund (the provider's id) as succeeded.
        Returns how many changed. Nothing changes before the payment itself is captured in our books.
        Raises NotFound, Unavailable.
        """
        record = self._charges.find(payment_id)
        return 0 if self._provider_refunds.has(refund_id) else self._provider_refunds.record_of(record)

    def find_provider_refunds(self, back: timedelta) -> int:
        """Record the refunds that the provider lists since `back` ago, also those made on its own page; repeatable.

        Returns how many changed. Raises Unavailable.
        """
        return self._provider_lists.find_refunds(back)

    def find_provider_payments(self, back: timedelta) -> list[WebhookReceipt]:
        """Payments since `back` ago that the provider has decided and our books have not, as a webhook would report.

        It changes none of these: the caller must `refresh` them. Refunds of payments that our books have as captured
        are recorded. Captured money without a payment of ours is an error in the log. Raises Unavailable.
        """
        return self._provider_lists.find_payments(back)

    def pending_refunds(self, limit: int) -> list[UUID]:
        """Pending refunds without a current claim, least recently changed first: input for `refresh_refund`."""
        return RefundRepository(self._database).pending(limit)

    def unreported_refunds(self, limit: int) -> list[RefundView]:
        """Decided refunds that are not in their order's timeline yet, oldest first."""
        return [record.view for record in RefundRepository(self._database).unreported(limit)]

    @retried
    def mark_reported(self, refunds: Sequence[RefundView]) -> None:
        """Record that the orders' timelines have these refunds, unless their status has changed meanwhile."""
        RefundRepository(self._database).mark_reported(refunds)

    def book_manually(self, order_id: UUID, reference: str, *, lost: bool, payment_id: UUID | None = None) -> bool:
        """Book what is left of an order's payments (or of one) as refunded elsewhere, or (`lost`) as written off.

        `reference`: the operator's note, for example of a bank transfer. Idempotent. Returns whether anything was left,
        or was sent back on the provider's own page; False when the shop had sent everything back itself.
        The provider is asked first, because what it has refunded decides what is left. A refund that it has accepted
        and not decided stays pending. When it succeeds later, it is recorded all the same: a write-off is taken back,
        and after a refund elsewhere the buyer has the money twice, which is an error in the log and a violation of I5.
        Raises Unavailable while the provider does not answer, or another caller holds the claim of a pending refund.
        """
        decided = False
        for payment in [each for each in self.of_order(order_id) if payment_id in (None, each.id)]:
            decided |= self._provider_refunds.found_of(self._charges.find(payment.id)) > 0
            decided |= self._refund_intents.book_manually(payment.id, reference, lost=lost)
        return decided

    def receive_webhook(
        self, gateway: str, headers: Mapping[str, str], body: bytes, source: str | None
    ) -> WebhookReceipt | None:
        """Store a provider's webhook, once. It changes no payment: the caller must `refresh` the payment.

        `source` is the client's IP address. Returns None when the webhook concerns no payment, or none of ours.
        Raises InvalidSignature, Invalid, NotFound (it names a payment of ours that is not stored: the provider then
        sends it again).
        """
        return self._inbox.receive_webhook(gateway, headers, body, source)

    def verify_report(self, headers: Iterable[tuple[str, str]], body: bytes) -> str:
        """Verify the Standard Webhooks signature of a status report and return its message id.

        `headers` with names in lower case, `body` as received. Raises InvalidSignature.
        """
        if self._signatures is None:
            raise InvalidSignature("No webhook secret is configured.")
        return self._signatures.verify(headers, body)

    def receive_report(
        self, message_id: str, payment_id: UUID, report: PaymentStatusReport, order_id: UUID | None = None
    ) -> tuple[PaymentView, WebhookReceipt | None]:
        """Store a status report of an authenticated client, once; the caller must `refresh` the payment.

        The report itself changes a payment in one case only: an amount that differs from ours puts an undecided one
        under `review`. `order_id`: that of the report, if any. Returns the payment before the report; the receipt is
        None when a report about another payment had this id. Raises NotFound, PaymentOrderMismatch.
        """
        return self._inbox.receive_report(message_id, payment_id, report, order_id)

    def delete_old_messages(self, limit: int) -> int:
        """Delete at most `limit` webhooks and reports that were received 30 days ago; returns how many."""
        return self._inbox.delete_old(limit)

    def get(self, payment_id: UUID) -> PaymentView:
        """The recorded payment, archived or not. Raises NotFound."""
        return self._charges.read(payment_id)

    def late_and_kept(self, quiet: float, limit: int) -> list[PaymentView]:
        """Payments whose money came too late and is still kept, unchanged for `quiet` seconds, oldest first."""
        return [record.view for record in PaymentRepository(self._database).late_and_kept(quiet, limit)]

    def settled(self, order_id: UUID, tx: Executor | None = None) -> bool:
        """Whether no payment of the order is undecided, and no money of it is kept."""
        return PaymentRepository(tx or self._database).settled(order_id)

    def of_order(self, order_id: UUID) -> list[PaymentView]:
        """Every payment of an order, first attempt first."""
        return [record.view for record in PaymentRepository(self._database).of_order(order_id)]

    def orders_paid_by(self, payment: str) -> list[UUID]:
        """The orders of the payment with this id: ours, or the provider's."""
        return PaymentRepository(self._database).orders_paid_by(payment)

    def get_refund(self, refund_id: UUID) -> RefundView:
        """The recorded refund. Raises NotFound."""
        return self._refunds.find(refund_id).view

    def refunds_of(self, order_id: UUID) -> list[RefundView]:
        """Every refund of an order, oldest first."""
        return [record.view for record in RefundRepository(self._database).of_order(order_id)]

    def refund_failure(self, order_id: UUID) -> str | None:
        """The code of the last failed refund of an order; None when none has failed."""
        return next((each.failure_code for each in reversed(self.refunds_of(order_id)) if each.failure_code), None)

    @retried
    def _close(self, order_id: UUID) -> list[PaymentRecord]:
        with self._database.transaction() as tx:
            repository = PaymentRepository(tx)
            repository.close_payments(order_id)
            return repository.of_order(order_id)

    def _undo(self, record: PaymentRecord) -> RefundProgress:
        view = record.view
        if view.undecided:
            self._charges.refresh(record, None, view_of)
            record = self._charges.find(view.id)
            view = record.view
        if view.undecided:
            reason, waiting = "payment_undecided", max(view.term_left or 0, 0) if view.provider_id else 0
            return RefundProgress(False, 0, None, view.id, view.retry_after, reason, waiting=waiting)
        if view.captured_minor == 0 and view.status is PaymentStatus.REVIEW:
            view, may_capture = self._charges.refresh_review(record)
            if may_capture and view.captured_minor == 0:
                # The provider may still capture it, or captured another currency, which we cannot refund correctly.
                return RefundProgress(False, 0, None, view.id, REVIEW_RETRY_AFTER, "review")
        if view.captured_minor == 0:
            return RefundProgress(True, 0, None, view.id)
        return self._refunds.refund_remaining(record)
