"""Arguments and results of the payments service as frozen dataclasses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.money import Money
from services.payments.status import UNDECIDED, PaymentMethodType, PaymentStatus, RefundStatus


@dataclass(frozen=True)
class ReceiptLine:
    """A line of a fiscal receipt; `price_minor` of one unit in minor units, `vat_code` is YooKassa's, 1 to 12."""

    description: str
    quantity: int
    price_minor: int
    vat_code: int

    @property
    def total_minor(self) -> int:
        """The price of all units, in minor units."""
        return self.price_minor * self.quantity


@dataclass(frozen=True)
class Receipt:
    """A fiscal receipt (54-FZ) of a payment or a refund; sent to `email`, else to `phone` (E.164)."""

    lines: tuple[ReceiptLine, ...]
    email: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    #: the shop's tax system, 1 to 6; None: the shop has one only
    tax_system: int | None = None


@dataclass(frozen=True)
class Charge:
    """One attempt to charge for an order; `amount_minor` in minor units, attempts count from 1."""

    order_id: UUID
    attempt: int
    amount_minor: int
    currency: str
    method: PaymentMethodType
    #: one-time token of a card, for `card`
    card_token: str | None = field(default=None, repr=False)
    #: phone number in E.164 format, for `phone`
    phone: str | None = field(default=None, repr=False)
    #: URL to which the provider sends the buyer after confirmation
    return_url: str | None = None
    #: its lines sum to the amount; the service adds it when the shop sends receipts
    receipt: Receipt | None = field(default=None, repr=False)

    @property
    def amount(self) -> Money:
        """The amount with its currency."""
        return Money(self.amount_minor, self.currency)


@dataclass(frozen=True)
class PaymentView:
    """A recorded payment; `captured_minor` and `refunded_minor` in minor units of `amount.currency`."""

    id: UUID
    order_id: UUID
    attempt: int
    status: PaymentStatus
    amount: Money
    method: PaymentMethodType
    provider_id: str | None
    #: URL where the buyer must confirm the payment (3-D Secure or similar)
    confirmation_url: str | None
    failure_code: str | None
    captured_minor: int
    refunded_minor: int
    #: captured after the payment was recorded as failed: it does not pay for the order and must be refunded
    captured_late: bool
    #: seconds until the next look-up is useful; 0 once decided
    retry_after: float
    #: seconds left until a pending payment expires at the provider
    term_left: float | None
    #: when that is; None once decided
    pending_until: datetime | None = None

    @property
    def undecided(self) -> bool:
        """True while it is unknown whether money was or will be captured."""
        return self.status in UNDECIDED


@dataclass(frozen=True)
class RefundView:
    """A recorded refund."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    status: RefundStatus
    amount: Money
    failure_code: str | None
    #: seconds until the next look-up is useful; 0 once decided
    retry_after: float
    #: the goods of the order go back to stock when it has succeeded
    restock: bool = False
    #: True when an earlier request with the same Idempotency-Key made this refund
    replayed: bool = False

    @property
    def returns_goods(self) -> bool:
        """Whether the goods of the order are to go back to stock now."""
        return self.restock and self.status is RefundStatus.SUCCEEDED


@dataclass(frozen=True)
class RefundProgress:
    """Progress of refunding an order or a payment; when not `done`, call again after `retry_after` seconds."""

    done: bool
    #: refunded to the buyer so far, in minor units
    refunded_minor: int
    refund_id: UUID | None = None
    payment_id: UUID | None = None
    retry_after: float = 0.0
    #: why it is not done: `payment_undecided`, `refund_pending`, `refund_failed`, `review`
    reason: str | None = None
    #: seconds that the provider may still take: until then nothing has failed
    waiting: float = 0.0


@dataclass(frozen=True)
class WebhookReceipt:
    """A stored message about a payment; not `is_new` when the same message was stored before."""

    payment_id: UUID
    order_id: UUID
    is_new: bool
    #: the payment was recorded as failed before: money that it captures, or has captured since, pays for nothing
    late: bool = False
    #: the provider's id of the refund, when the message is about one
    refund_id: str | None = None


@dataclass(frozen=True)
class PaymentStatusReport:
    """A status reported by an authenticated client: it only triggers a look-up, unless its amount differs from ours."""

    #: `pending`, `succeeded`, `failed` or `refunded`
    status: str
    #: None: not given
    amount: Money | None = None
    failure_code: str | None = field(default=None, repr=False)
    failure_message: str | None = field(default=None, repr=False)
