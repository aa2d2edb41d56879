"""What is known of one order: its row, its timeline, the provider, the goods, and its workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar
from uuid import UUID

from services import order_agreement
from services.commands.repair import recovery_rows
from services.commands.temporal import next_tries, order_progress
from services.commands.terminal import read_connections
from services.db import Database
from services.errors import Unavailable
from services.orders.service import OrderService
from services.orders.views import EventView, OrderView
from services.payment_gateway import make_gateway
from services.payments.provider_states import PaymentStates, ProviderStates
from services.reservations.service import ReservationService
from services.reservations.views import ReservationView

if TYPE_CHECKING:
    from services.settings import Settings
    from workflows.order_runs import RunProgress

R = TypeVar("R")


@dataclass(frozen=True)
class Answer(Generic[R]):
    """What another system said, or why it did not."""

    said: R | None = None
    trouble: str | None = None


@dataclass(frozen=True)
class OrderReport:
    """One order, as all parts of the system know it."""

    order: OrderView
    timeline: list[EventView]
    payments: Answer[list[PaymentStates]]
    goods: ReservationView | None
    workflow: Answer[RunProgress]
    #: when each attention reason is tried again by itself
    tries: Mapping[str, datetime]
    #: base URL of the workflow in Temporal's Web UI, None when TEMPORAL_UI_URL is not set
    link: str | None

    @property
    def provider_agrees(self) -> bool | None:
        """As `order_agreement.provider_agrees`."""
        return order_agreement.provider_agrees(self.order, self.timeline, self.payments.said)

    @property
    def goods_agree(self) -> bool:
        """As `order_agreement.goods_agree`."""
        return order_agreement.goods_agree(self.order, self.goods)


def report_of(database: Database, orders: OrderService, order: OrderView) -> OrderReport:
    """Ask every part about an order; one that does not answer is left out with the reason."""
    settings = read_connections()
    workflow = _ask(lambda: order_progress(settings, order.id))
    return OrderReport(
        order=order,
        timeline=orders.events(order.id),
        payments=_ask(lambda: _payments(database, settings, order.id)),
        goods=ReservationService(database).find(order.id),
        workflow=workflow,
        tries=next_tries(settings, recovery_rows(database), [order])[0] if order.needs_attention else {},
        link=_link(settings, order.id),
    )


def _payments(database: Database, settings: Settings, order_id: UUID) -> list[PaymentStates]:
    if not settings.yookassa_shop_id:
        raise Unavailable("YOOKASSA_SHOP_ID is not set, so the provider was not asked.")
    with closing(make_gateway(settings)) as gateway:
        return ProviderStates(database, gateway).of_order(order_id)


def _link(settings: Settings, order_id: UUID) -> str | None:
    base = settings.temporal_ui_url
    path = f"/namespaces/{settings.temporal_namespace}/workflows/order-{order_id}"
    return base.rstrip("/") + path if base else None


def _ask(question: Callable[[], R | None]) -> Answer[R]:
    try:
        return Answer(question())
    except Unavailable as trouble:
        return Answer(trouble=trouble.detail)
