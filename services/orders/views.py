"""What the orders service takes and gives: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol
from uuid import UUID

from services.money import Money
from services.orders.resolving import actions, advice, chosen
from services.orders.status import FINAL, UNPAID, OrderEventType, ResolveAction, ResolveStep
from services.orders.status import CancelReason as CancelReason
from services.orders.status import OrderStatus as OrderStatus
from services.return_urls import filled

if TYPE_CHECKING:
    from services.db import Executor


@dataclass(frozen=True)
class Policy:
    """The rules of time and number that an order is driven by; whole seconds; a share is 0 to 1."""

    max_unpaid: int = 5
    hold_max_share: float = 0.25
    hold_max_units: int = 100
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
    #: units that can be ordered; None: not known, and not checked
    available: int | None = None
    #: units that are not sold; None: not known, and the account may hold any number
    unsold: int | None = None


class ReadProducts(Protocol):
    """Reads products in the transaction that stores the order."""

    def __call__(self, tx: Executor, product_ids: Sequence[UUID], /) -> Mapping[UUID, Product]:
        """The products with these ids; unknown ids are left out."""


class CheckTotal(Protocol):
    """Refuses what a payment method cannot pay."""

    def __call__(self, total: Money, lines: int, /) -> None:
        """Raises Invalid for a total, or a number of different products, that the method does not take."""


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
    """Where the goods go; `country` is ISO 3166-1 alpha-2 or XK, `region` may be empty."""

    country: str
    region: str
    city: str
    street: str
    postal_code: str | None = None


@dataclass(frozen=True)
class NewOrder:
    """An order as asked for; quantities are summed per product."""

    buyer_id: UUID
    quantities: Mapping[UUID, int]
    products: ReadProducts
    address: Address
    method: PaymentMethod | None = None
    language: str = "ru"
    #: the total that the buyer was shown, a decimal amount in the currency of the products; None: any total is accepted
    expected_total: str | None = None
    #: where the payment provider's page sends the buyer back; None: to the shop's default
    return_url: str | None = None
    #: refuses a total that the payment method cannot pay; None: every total is accepted
    check_total: CheckTotal | None = None


@dataclass(frozen=True)
class LineView:
    """One product of an order; name and price as they were when it was placed."""

    product_id: UUID
    name: str
    price: Money
    quantity: int


@dataclass(frozen=True)
class AttentionView:
    """Why an order needs a person: a short code, since when, and the code of the last failure."""

    reason: str
    #: None for a reason that an earlier release raised
    since: datetime | None = None
    detail: str | None = None

    @property
    def actions(self) -> tuple[ResolveAction, ...]:
        """How an operator can resolve it; empty when it cannot be resolved."""
        return actions(self.reason)

    @property
    def advice(self) -> str:
        """What is tried by itself, and what a person can do, in a sentence or two."""
        return advice(self.reason)


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
    attention: tuple[AttentionView, ...]
    created_at: datetime
    updated_at: datetime
    #: the end of the payment window (`start_input`), by which the workflow cancels an order without a payment
    window_ends: datetime

    @property
    def attention_reasons(self) -> tuple[str, ...]:
        """The codes of the reasons for which a person is needed, oldest first."""
        return tuple(each.reason for each in self.attention)

    @property
    def needs_attention(self) -> bool:
        """Whether a person is needed."""
        return bool(self.attention)

    def resolvable_reason(self, step: ResolveStep | None, action: ResolveAction) -> str:
        """The reason that an operator resolves by this action; as `resolving.chosen`."""
        return chosen(self.attention_reasons, self.status, step, action)

    @property
    def closed(self) -> bool:
        """Whether nothing changes any more."""
        return self.status in FINAL

    @property
    def unpaid(self) -> bool:
        """Whether it waits for its payment, or goes on to wait for it."""
        return self.status in UNPAID

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
    #: the last eight digits of the id, in lower case (`order_number.end_of_id`)
    number: str | None = None
    #: only these orders
    ids: Sequence[UUID] | None = None


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
class WorkflowRun:
    """A run of an order's workflow. Of two runs the one that started later holds the order."""

    #: the id of the first run: a reset keeps it
    id: str
    #: by the Temporal server's clock, in seconds since 1970
    started: float


@dataclass(frozen=True)
class ClaimedOrder:
    """What the run that claimed an order needs: its lines, and where an earlier run left off."""

    status: OrderStatus
    items: tuple[tuple[UUID, int], ...]
    #: whether a payment method is kept, or has paid
    has_method: bool
    #: seconds since the order was placed
    age: float
    #: attempts to pay that have failed
    failed_attempts: int


@dataclass(frozen=True)
class PaymentDue:
    """What is to be paid and how; `method` is None once it is no longer kept."""

    total: Money
    method: PaymentMethod | None
    #: where the payment provider's page sends the buyer back, with `{orderId}` as given; None: to the default
    return_url: str | None = None

    def return_to(self, order_id: UUID, default: str) -> str:
        """The address to which the buyer of this order is sent back."""
        return filled(self.return_url or default, order_id)


@dataclass(frozen=True)
class OrderState:
    """The order's status, for the steps of its workflow."""

    status: OrderStatus
    cancel_reason: CancelReason | None = None
    #: seconds since the order was placed, if this transition was made now; None when it was made before
    age: float | None = None
