"""Takes an order's money once, gives it back once, and finds out what happened when nobody said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.clock import Clock
from services.db import Sessions, retried
from services.errors import (
    AmountMismatch,
    CurrencyMismatch,
    Invalid,
    InvalidSignature,
    InvalidTransition,
    PaymentOrderMismatch,
)
from services.idempotency import Idempotent
from services.money import MAX_MINOR, Money, is_currency
from services.payments.call_budget import Times
from services.payments.charging import Charges
from services.payments.gateway import Gateway
from services.payments.records import PaymentRecord
from services.payments.refunding import Refunds
from services.payments.refunds_repository import RefundRepository
from services.payments.repository import PaymentRepository
from services.payments.signatures import Signatures
from services.payments.status import PaymentStatus, RefundStatus
from services.payments.views import Charge, News, PaymentView, Received, RefundView, Undone
from services.payments.webhook_inbox import Inbox

#: Seconds between looks at a payment that only a person can settle.
REVIEW_PACE = 60.0


class PaymentService:
    """Charges and refunds at one provider; no transaction is open while the provider is asked."""

    def __init__(
        self,
        sessions: Sessions,
        gateway: Gateway,
        clock: Clock,
        *,
        times: Times | None = None,
        signatures: Signatures | None = None,
    ) -> None:
        self._sessions = sessions
        self._gateway = gateway
        self._clock = clock
        self._charges = Charges(sessions, gateway, clock, times or Times())
        self._refunds = Refunds(sessions, gateway, clock, times or Times())
        self._inbox = Inbox(sessions, gateway, clock)
        self._signatures = signatures

    def charge(self, charge: Charge) -> PaymentView:
        """Take the money, once an attempt: the intent is committed before the provider is asked.

        The same attempt again gives what is recorded. While somebody may still be talking to the provider that is
        all; after that, an attempt without a known outcome is looked up there first, and asked for again only when
        the provider has none. A lost answer leaves the payment `unknown`.
        Raises Invalid, CurrencyMismatch, AmountMismatch, OrderClosing, PaymentExists, Unavailable.
        """
        self._check(charge)
        return self._charges.start(charge).view

    def refresh(self, payment_id: UUID, retry: Charge | None = None) -> PaymentView:
        """Ask the provider, and write down what it says.

        When the provider has no such payment and nobody is asking it for one, it is charged again with `retry`, and
        without `failed` (`not_charged`). A failed payment is asked about too: a success may have come late.
        Raises NotFound, PaymentOrderMismatch (`retry` is of another attempt), Unavailable.
        """
        seen = self._charges.find(payment_id)
        if retry is not None and (retry.order_id, retry.attempt) != (seen.view.order_id, seen.view.attempt):
            raise PaymentOrderMismatch("This payment belongs to another attempt.")
        return self._charges.known(seen, retry).view

    def undo(self, order_id: UUID) -> Undone:
        """Close the order to further charges, find out about every payment, and send back what was captured.

        By order, never "one more": any number of calls, at once or later, end the same. Not `done` while the
        provider has not decided, or somebody may be talking to it. Raises Unavailable.
        """
        steps = [self._undo(record) for record in self._close(order_id)]
        return _together(steps, self.refunds_of(order_id))

    def refund_late(self, payment_id: UUID) -> Undone:
        """Send back a success that pays nothing: it came after the order was closed, or was not the first.

        Raises NotFound, InvalidTransition (it pays an order that is open), Unavailable.
        """
        seen = self._charges.known(self._charges.find(payment_id), None)
        if seen.view.captured_minor and not (seen.closed or seen.view.captured_late):
            raise InvalidTransition("This payment pays an order that is not closed.")
        step = self._undo(seen)
        return _together([step], [r for r in self.refunds_of(seen.view.order_id) if r.payment_id == payment_id])

    def refund(
        self, order_id: UUID, payment_id: UUID, amount: Money, *, idempotent: Idempotent | None = None
    ) -> RefundView:
        """An operator's refund of a part or all of a payment; `pending` when the provider's answer is awaited.

        Raises NotFound, PaymentOrderMismatch, InvalidTransition (unpaid), CurrencyMismatch, RefundExceedsCaptured,
        Invalid, Unavailable; and as `idempotency.remember`.
        """
        record, replayed = self._refunds.some_of(order_id, payment_id, amount, idempotent)
        return replace(record.view, replayed=replayed)

    def refresh_refund(self, refund_id: UUID) -> RefundView:
        """Find out how far a refund is; ask for it again if the provider has none. Raises NotFound, Unavailable."""
        return self._refunds.drive(refund_id).view

    def pending_refunds(self, limit: int) -> list[UUID]:
        """Refunds that wait and that nobody is asking for, the longest untouched first: for `refresh_refund`."""
        with self._sessions.begin() as session:
            return RefundRepository(session, self._clock.override()).pending(limit)

    def unreported_refunds(self, limit: int) -> list[RefundView]:
        """Refunds that have ended and whose order's timeline does not say so, oldest first."""
        with self._sessions.begin() as session:
            return [record.view for record in RefundRepository(session, self._clock.override()).untold(limit)]

    @retried
    def mark_reported(self, refund_ids: Sequence[UUID]) -> None:
        """The timelines of their orders say how these refunds ended."""
        with self._sessions.begin() as session:
            RefundRepository(session, self._clock.override()).mark_reported(refund_ids)

    @retried
    def book_manually(self, order_id: UUID, reference: str, *, lost: bool, payment_id: UUID | None = None) -> None:
        """Book what an order's payments (or one) still owe its buyer as sent back by hand, or (`lost`) as written off.

        `reference`: an operator's word for it. Repeatable. Raises Unavailable while the provider is being asked.
        """
        for payment in [each for each in self.of_order(order_id) if payment_id in (None, each.id)]:
            self._refunds.book_manually(payment.id, reference, lost=lost)

    def receive_webhook(
        self, gateway: str, headers: Mapping[str, str], body: bytes, source: str | None
    ) -> Received | None:
        """Keep a provider's message once; it is a hint to `refresh`, and changes no payment.

        `source` is the address that it came from. None when it is about nothing of ours.
        Raises InvalidSignature, Invalid, NotFound (the provider sends it again).
        """
        return self._inbox.from_gateway(gateway, headers, body, source)

    def verify_news(self, headers: Iterable[tuple[str, str]], body: bytes) -> str:
        """The id of a message with a Standard Webhooks signature, from its headers (lower case) and its raw body.

        Raises InvalidSignature.
        """
        if self._signatures is None:
            raise InvalidSignature("No secret is known that could have signed this.")
        return self._signatures.verify(headers, body)

    def receive_news(
        self, message_id: str, payment_id: UUID, news: News, order_id: UUID | None = None
    ) -> tuple[PaymentView, Received | None]:
        """Keep what a known sender tells of a payment (and of `order_id`, if it says one); a hint to `refresh`.

        One thing it does by itself: another amount than ours stops an undecided payment (`review`). Returns the
        payment as it was, and no receipt when another message had this id. Raises NotFound, PaymentOrderMismatch.
        """
        return self._inbox.of_payment(message_id, payment_id, news, order_id)

    def get(self, payment_id: UUID) -> PaymentView:
        """The payment as our books have it. Raises NotFound."""
        return self._charges.find(payment_id).view

    def of_order(self, order_id: UUID) -> list[PaymentView]:
        """Every payment of an order, first attempt first."""
        with self._sessions.begin() as session:
            return [record.view for record in PaymentRepository(session, self._clock.override()).of_order(order_id)]

    def get_refund(self, refund_id: UUID) -> RefundView:
        """The refund as our books have it. Raises NotFound."""
        return self._refunds.find(refund_id).view

    def refunds_of(self, order_id: UUID) -> list[RefundView]:
        """Every refund of an order, first one first."""
        with self._sessions.begin() as session:
            return [record.view for record in RefundRepository(session, self._clock.override()).of_order(order_id)]

    def _check(self, charge: Charge) -> None:
        """What the provider cannot take is refused before anything is written."""
        if not is_currency(charge.currency):
            raise CurrencyMismatch("That is no currency.", pointer="/currency")
        if not 1 <= charge.amount_minor <= MAX_MINOR:
            raise AmountMismatch("The amount is out of bounds.", pointer="/amount")
        if charge.method == "card" and not charge.card_token:
            raise Invalid("A card payment needs a token.", pointer="/cardToken")
        if charge.method == "phone" and not charge.phone:
            raise Invalid("A phone payment needs a phone.", pointer="/phone")
        rules = self._gateway.methods.get(charge.method)
        if rules is None:
            raise Invalid("The provider does not take this method.", pointer="/method")
        if rules.currencies is not None and charge.currency not in rules.currencies:
            raise CurrencyMismatch("The provider does not take this currency.", pointer="/currency")
        if not rules.min_minor <= charge.amount_minor <= rules.max_minor:
            raise AmountMismatch("The provider does not take this amount by this method.", pointer="/amount")

    @retried
    def _close(self, order_id: UUID) -> list[PaymentRecord]:
        with self._sessions.begin() as session:
            repository = PaymentRepository(session, self._clock.override())
            repository.close_door(order_id)
            return repository.of_order(order_id)

    def _undo(self, record: PaymentRecord) -> Undone:
        if record.view.undecided:
            record = self._charges.known(record, None)
        view = record.view
        if view.undecided:
            return Undone(False, 0, None, view.id, view.retry_after, "payment_undecided")
        if view.captured_minor == 0 and view.status is PaymentStatus.REVIEW:
            record, taken = self._charges.under_review(record)
            if taken and record.view.captured_minor == 0:
                # The provider may still take it, or took another currency, of which no refund of ours can be right.
                return Undone(False, 0, None, view.id, REVIEW_PACE, "review")
        if record.view.captured_minor == 0:
            return Undone(True, 0, None, view.id)
        return self._refunds.all_of(view.id)


def _together(steps: Sequence[Undone], refunds: Sequence[RefundView]) -> Undone:
    """One answer, the same however often it is asked for: the step that is next to move, else the last refund."""
    sent = [refund for refund in refunds if refund.status is RefundStatus.SUCCEEDED]
    refunded_minor = sum(refund.amount.minor for refund in sent)
    waiting = min((step for step in steps if not step.done), key=lambda step: step.retry_after, default=None)
    if waiting is not None:
        return replace(waiting, refunded_minor=refunded_minor)
    if sent:
        return Undone(True, refunded_minor, sent[-1].id, sent[-1].payment_id)
    return Undone(True, 0, None, steps[-1].payment_id if steps else None)
