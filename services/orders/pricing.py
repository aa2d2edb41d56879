"""Prices an order by the products as they are now, and refuses what cannot be ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.errors import Conflict, CurrencyMismatch, Invalid, OutOfStock, ProductUnavailable
from services.money import MAX_MINOR, Money
from services.orders.views import NewOrder, Product

#: A product and its units.
Line = tuple[Product, int]


class PriceChanged(Conflict):
    """The order's total is not the one that the buyer was shown."""

    code = "price-changed"

    def __init__(self, items: Sequence[Mapping[str, Any]], total_amount: str, currency: str) -> None:
        """`items`: `{productId, name, price, quantity}` of each line as it is now; amounts as decimal strings."""
        detail = "The total has changed. Show the present one to the buyer."
        super().__init__(detail, items=list(items), totalAmount=total_amount, currency=currency)


def priced(new: NewOrder, products: Mapping[UUID, Product]) -> tuple[Sequence[Line], Money]:
    """The lines of the order and its total.

    Raises ProductUnavailable, CurrencyMismatch, Invalid (a total out of bounds), OutOfStock, PriceChanged.
    """
    lines = _lines(new.quantities, products)
    total = _total(lines)
    expected = _expected(new, total.currency)
    if short := [_shortage(line) for line in lines if _is_short(line)]:
        raise OutOfStock(short)
    if expected not in (None, total):
        raise PriceChanged([_line(line) for line in lines], total.text, total.currency)
    return lines, total


def _lines(quantities: Mapping[UUID, int], products: Mapping[UUID, Product]) -> Sequence[Line]:
    missing = [key for key in quantities if key not in products or not products[key].is_active]
    if missing:
        raise ProductUnavailable(
            "Some products are not for sale.", products=[str(product_id) for product_id in missing]
        )
    return [(products[product_id], quantity) for product_id, quantity in quantities.items()]


def _total(lines: Sequence[Line]) -> Money:
    currencies = {product.price.currency for product, _ in lines}
    if len(currencies) > 1:
        raise CurrencyMismatch("All products of an order must have one currency.")
    minor = sum(product.price.minor * quantity for product, quantity in lines)
    if not 1 <= minor <= MAX_MINOR:
        raise Invalid("The total of the order is out of bounds.", pointer="/items")
    return Money(minor, currencies.pop())


def _expected(new: NewOrder, currency: str) -> Money | None:
    if new.expected_total is None:
        return None
    try:
        return Money.parse(new.expected_total, currency)
    except ValueError:
        raise Invalid(
            "The amount is too large, or has more decimals than the currency of the products.",
            pointer="/expectedTotal",
        ) from None


def _is_short(line: Line) -> bool:
    product, quantity = line
    return product.available is not None and product.available < quantity


def _shortage(line: Line) -> dict[str, Any]:
    product, quantity = line
    return {"productId": product.id, "wanted": quantity, "available": product.available}


def _line(line: Line) -> dict[str, Any]:
    product, quantity = line
    return {"productId": product.id, "name": product.name, "price": product.price.text, "quantity": quantity}
