"""A small shop: products in stock, orders, and the steps that a workflow would take with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import httpx2

from services.bootstrap import Services
from services.catalog.views import ProductChange, ProductDraft
from services.clock import new_id
from services.money import Money
from services.orders.status import CancelReason, OrderEventType
from services.orders.views import WorkflowRun
from services.payments.status import PaymentMethodType
from services.payments.views import Charge, PaymentView
from services.reservations.views import Item
from tests.api.people import Person

ADDRESS = {"country": "RU", "region": "Москва", "city": "Москва", "street": "Тверская, 1"}
ORDERS = "/api/v1/orders"
RUN = WorkflowRun("run", 1000.0)


def a_product(
    services: Services,
    *,
    price: str = "1299.00",
    currency: str = "RUB",
    stock: int = 10,
    active: bool = True,
    name: str = "Lantern",
) -> UUID:
    """A product in the catalog, with so many units."""
    sku = new_id().hex
    draft = ProductDraft(sku, name, Money.parse(price, currency))
    product_id = services.catalog.import_products([draft]).ids[sku]
    if not active:
        services.catalog.change(product_id, ProductChange(is_active=False))
    services.reservations.set_stock(product_id, stock)
    return product_id


def items(*lines: tuple[UUID, int]) -> dict[str, Any]:
    """`{"items": […]}` of products and quantities."""
    return {"items": [{"productId": str(product_id), "quantity": quantity} for product_id, quantity in lines]}


async def order(
    api: httpx2.AsyncClient, buyer: Person, product_id: UUID, *, headers: Mapping[str, str] | None = None, **more: Any
) -> httpx2.Response:
    """POST /orders for one unit."""
    body = {"productId": str(product_id), **ADDRESS, **more}
    return await api.post(ORDERS, json=body, headers={**buyer.headers, **(headers or {})})


async def placed(api: httpx2.AsyncClient, buyer: Person, services: Services, **more: Any) -> UUID:
    """The id of a new order of one unit of a new product."""
    answer = await order(api, buyer, a_product(services), **more)
    assert answer.status_code == 201
    return UUID(answer.json()["orderId"])


def reserve(services: Services, order_id: UUID) -> None:
    """What the workflow does first."""
    ordered = services.order_transitions.claim(order_id, RUN).items
    services.reservations.hold(order_id, [Item(product_id, quantity) for product_id, quantity in ordered], 1200)
    services.order_transitions.reserved(order_id)


def pay(services: Services, order_id: UUID) -> PaymentView:
    """What the workflow does next; the way to pay must be known."""
    services.reservations.pin(order_id)
    due = services.order_transitions.start_payment(order_id, 1)
    assert due.method is not None
    method = due.method
    charge = Charge(
        order_id,
        1,
        due.total.minor,
        due.total.currency,
        PaymentMethodType.CARD if method.card else PaymentMethodType.PHONE,
        method.card,
        method.phone,
    )
    payment = services.payments.charge(charge)
    if payment.status == "succeeded":
        services.order_transitions.paid(order_id, payment.id, payment.amount)
    elif payment.status == "pending":
        services.order_transitions.note(order_id, OrderEventType.PAYMENT_WAITING, "payment_waiting:1", attempt=1)
    return payment


def confirm(services: Services, order_id: UUID) -> None:
    """What the workflow does last."""
    services.order_transitions.confirmed(order_id)
    services.reservations.confirm(order_id)


def undo(services: Services, order_id: UUID, reason: CancelReason = CancelReason.BUYER_REQUEST) -> None:
    """What the workflow does when it has to go back."""
    services.order_transitions.begin_cancel(order_id, RUN, reason)
    services.payments.undo(order_id)
    services.reservations.release(order_id)
    services.order_transitions.cancelled(order_id)
