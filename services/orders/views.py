"""What the orders service takes and gives: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from services.money import Money
from services.orders.status import FINAL, OrderEventType, UndoStep
from services.orders.status import CancelReason as CancelReason
from services.orders.status import OrderStatus as OrderStatus


@dataclass(frozen=True)
class Policy:
    """The rules of time and number that an order is driven by; whole seconds."""

    max_unpaid: int = 5
    hold_seconds: int = 1200
    payment_window: int = 900
    payment_attempts: int = 1
    attention_after: int = 600
    local_lane: bool = True


@dataclass(frozen=True)
class Product:
    """What the catalog says of a product when it is ordered."""

    id: UUID
    name: str
    price: Money
    is_active: bool


@dataclass(frozen=True)
class PaymentMethod:
    """How to pay: a card by its one-time token, or a phone number (E.164); exactly one of them."""

    card: str | None = None
    phone: str | None = None

    @property
    def kind(self) -> Literal["card", "phone"]:
        return "card" if self.card else "phone"


@dataclass(frozen=True)
class Address:
    """Where the goods go; `country` is ISO 3166-1 alpha-2."""

    country: str
    region: str
    city: str
    street: str


@dataclass(frozen=True)
class NewOrder:
    """An order as asked for: products as the catalog has them now, quantities summed per product."""

    buyer_id: UUID
    quantities: Mapping[UUID, int]
    products: Mapping[UUID, Product]
    address: Address
    method: PaymentMethod | None = None
    language: str = "ru"


@dataclass(frozen=True)
class LineView:
    """One product of an order; name and price as they were when it was placed."""

    product_id: UUID
    name: str
    price: Money
    quantity: int


@dataclass(frozen=True)
class OrderView:
    """An order in full."""

    id: UUID
    buyer_id: UUID
    status: OrderStatus
    total: Money
    lines: tuple[LineView, ...]
    address: Address
    method: str | None
    cancel_reason: CancelReason | None
    #: why a person is needed, oldest first
    attention_reasons: tuple[str, ...]
    created_at: datetime
    updated_at: datetime

    @property
    def needs_attention(self) -> bool:
        """Whether a person is needed."""
        return bool(self.attention_reasons)

    def stuck_reason(self, step: UndoStep | None = None) -> str | None:
        """The oldest reason that this undo raised; of any undo when `step` is None."""
        undos = ((reason, UndoStep.of(reason)) for reason in self.attention_reasons)
        return next((reason for reason, undo in undos if undo and step in (None, undo)), None)

    @property
    def closed(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in FINAL

    @property
    def is_idle(self) -> bool:
        """Whether nothing moves until somebody outside acts (contract, section 3)."""
        waiting = self.status == OrderStatus.RESERVED and self.method is None
        return self.closed or waiting or self.needs_attention or self.status == OrderStatus.PAYMENT_PENDING


@dataclass(frozen=True)
class OrderSummary:
    """An order in a list."""

    id: UUID
    buyer_id: UUID
    status: OrderStatus
    total: Money
    created_at: datetime
    needs_attention: bool


@dataclass(frozen=True)
class OrderFilter:
    """Which orders a list holds; `None` means all."""

    buyer_id: UUID | None = None
    status: OrderStatus | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    needs_attention: bool | None = None


@dataclass(frozen=True)
class EventView:
    """One entry of an order's timeline; `id` grows, so that a stream can be resumed after it."""

    id: int
    at: datetime
    type: OrderEventType
    status: OrderStatus
    detail: str | None
    attempt: int | None
    amount: Money | None


@dataclass(frozen=True)
class Placed:
    """What placing gave: the order, the start input of its workflow, and whether an earlier request had made it."""

    order: OrderView
    start_input: Mapping[str, Any]
    replayed: bool


@dataclass(frozen=True)
class Command:
    """A command of an order on its way to Temporal."""

    id: int
    order_id: UUID
    name: str
    arguments: Mapping[str, Any]
    start_input: Mapping[str, Any]
    status: OrderStatus
    #: the payment whose money the order keeps
    paid_by: UUID | None

    @property
    def closed(self) -> bool:
        """The order is confirmed or cancelled: its workflow is not started again."""
        return self.status in FINAL


@dataclass(frozen=True)
class ClaimedOrder:
    """What the run that claimed an order needs for its first step."""

    status: OrderStatus
    items: tuple[tuple[UUID, int], ...]


@dataclass(frozen=True)
class PaymentDue:
    """What is to be paid and how; `method` is None once it is no longer kept."""

    total: Money
    method: PaymentMethod | None


@dataclass(frozen=True)
class OrderState:
    """The order's status, for the steps of its workflow."""

    status: OrderStatus
    cancel_reason: CancelReason | None = None


@dataclass(frozen=True)
class PendingNotification:
    """An event whose messages are not queued yet."""

    id: int
    order_id: UUID
    buyer_id: UUID
    type: str
    language: str
    total: Money
    #: a refund's own amount, else None
    amount: Money | None
    cancel_reason: CancelReason | None
    #: what tells this event from an earlier one of its type, as with a second refund; None for the first
    again: str | None = None
    #: the phone number given with the order (E.164); receives every event
    phone: str | None = field(default=None, repr=False)
