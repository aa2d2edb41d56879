"""The schema of the copy of a person's data; it is documented, and the document is written in parts."""

from __future__ import annotations

from uuid import UUID

from pydantic import Field

from api.requests.fields import Shape, Utc
from services.identity.status import IdentifierKind, Role, SessionEnd
from services.notifications.status import NotificationChannel, NotificationStatus
from services.orders.status import CancelReason, OrderEventType, OrderStatus
from services.payments.status import PaymentMethodType, PaymentStatus, RefundStatus


class AccountCopy(Shape):
    """The account."""

    id: UUID
    first_name: str
    last_name: str
    email: str | None
    phone: str | None
    email_verified: bool
    phone_verified: bool
    registered_with: IdentifierKind
    language: str
    role: Role
    is_active: bool
    created_at: Utc
    updated_at: Utc
    password_changed_at: Utc | None
    has_second_factor: bool


class SessionCopy(Shape):
    """A session, live or ended."""

    id: UUID
    client: str | None
    created_at: Utc
    last_used_at: Utc
    expires_at: Utc
    ended_at: Utc | None
    end_reason: SessionEnd | None


class MessageCopy(Shape):
    """A message, without its text: the variables of a message are deleted once it is sent."""

    id: UUID
    order_id: UUID | None
    channel: NotificationChannel
    to: str | None = Field(description="null once the recipient is deleted, after 30 days.")
    template: str
    language: str
    status: NotificationStatus
    created_at: Utc
    sent_at: Utc | None


class RefundCopy(Shape):
    """A refund."""

    id: UUID
    status: RefundStatus
    amount: str
    created_at: Utc


class PaymentCopy(Shape):
    """A payment."""

    id: UUID
    status: PaymentStatus
    method: PaymentMethodType
    amount: str
    currency: str
    provider: str
    provider_id: str | None
    created_at: Utc
    refunds: list[RefundCopy]


class LineCopy(Shape):
    """A product of an order."""

    name: str
    quantity: int
    price: str = Field(description="Of one unit.")


class EntryCopy(Shape):
    """An entry of an order's timeline."""

    at: Utc
    type: OrderEventType
    status: OrderStatus


class AddressCopy(Shape):
    """Where the goods went."""

    country: str
    region: str
    city: str
    street: str
    postal_code: str | None


class OrderCopy(Shape):
    """An order with its payments and messages."""

    id: UUID
    status: OrderStatus
    created_at: Utc
    updated_at: Utc
    total_amount: str
    currency: str
    address: AddressCopy
    payment_method: PaymentMethodType | None
    contact_phone: str | None
    language: str
    cancel_reason: CancelReason | None
    cancel_note: str | None
    lines: list[LineCopy]
    timeline: list[EntryCopy]
    payments: list[PaymentCopy]
    messages: list[MessageCopy]


class PersonalDataCopy(Shape):
    """Everything that is held about a person."""

    account: AccountCopy
    sessions: list[SessionCopy]
    orders: list[OrderCopy]
    messages: list[MessageCopy] = Field(description="Messages about the account, and others to its addresses.")
