"""Builders of test data with defaults for everything that a test does not depend on."""

from __future__ import annotations

from uuid import UUID

from services.clock import Clock, new_id
from services.db import Database
from services.money import Money
from services.notifications.budget import MessageBudget
from services.orders.views import Address, NewOrder, PaymentMethod, Product
from services.rate_limiter import RateLimiter
from services.sms_budget import SmsBudget

ADDRESS = Address("RU", "Москва", "Москва", "Тверская, 1")
KEY = "a-test-key-of-more-than-thirty-two-characters"


def a_product(price: str = "10.00", currency: str = "RUB", *, active: bool = True) -> Product:
    """A product as the catalog returns it."""
    return Product(new_id(), "Lantern", Money.parse(price, currency), active)


def an_order(
    *products: Product,
    lines: int = 1,
    quantity: int = 1,
    buyer_id: UUID | None = None,
    card: str | None = "tok_succeeds",
    phone: str | None = None,
) -> NewOrder:
    """An order of the given products, or of `lines` new ones; by default its card payment succeeds."""
    ordered = products or tuple(a_product() for _ in range(lines))
    method = PaymentMethod(card=card, phone=phone) if card or phone else None
    return NewOrder(
        buyer_id=buyer_id or new_id(),
        quantities={product.id: quantity for product in ordered},
        products=lambda _tx, _ids: {product.id: product for product in ordered},
        address=ADDRESS,
        method=method,
    )


def an_sms_budget(database: Database, clock: Clock, sms_per_hour: int = 0) -> SmsBudget:
    """The budget of all SMS; by default without a limit."""
    return SmsBudget(RateLimiter(database, KEY, clock), sms_per_hour)


def a_message_budget(database: Database, clock: Clock, factor: float = 0, sms_per_hour: int = 0) -> MessageBudget:
    """The budgets of messages; by default nothing is suppressed."""
    return MessageBudget(KEY, an_sms_budget(database, clock, sms_per_hour), factor)
