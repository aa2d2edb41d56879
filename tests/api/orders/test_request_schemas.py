"""Bodies of the order operations: what goes together, and what does not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError

from api.orders.request_schemas import MAX_ORDER_LINES, PayOrder, PlaceOrder, ResolveOrder

LANTERN, CLOCK = str(UUID(int=1)), str(UUID(int=2))
ADDRESS = {"country": "RU", "region": "Москва", "city": "Москва", "street": "Тверская, 1"}


def line(product_id: str, quantity: int) -> dict[str, Any]:
    return {"productId": product_id, "quantity": quantity}


def place(**members: Any) -> PlaceOrder:
    return PlaceOrder.model_validate(ADDRESS | members)


def test_lines_of_one_product_are_summed() -> None:
    order = place(items=[line(LANTERN, 2), line(CLOCK, 1), line(LANTERN, 3)])
    assert order.quantities == {UUID(LANTERN): 5, UUID(CLOCK): 1}


def test_a_product_alone_is_one_unit() -> None:
    assert place(productId=LANTERN).quantities == {UUID(LANTERN): 1}


@pytest.mark.parametrize(
    ("model", "members", "code"),
    [
        (PlaceOrder, ADDRESS, "product-or-items"),
        (PlaceOrder, ADDRESS | {"productId": LANTERN, "items": [line(LANTERN, 1)]}, "product-or-items"),
        (PlaceOrder, ADDRESS | {"items": []}, "too_short"),
        (PlaceOrder, ADDRESS | {"items": [line(LANTERN, 1)] * (MAX_ORDER_LINES + 1)}, "too_long"),
        (PayOrder, {"card": "tok", "phone": "+79991234567"}, "two-methods"),
        (ResolveOrder, {"action": "mark_done"}, "reference-needed"),
        (ResolveOrder, {"action": "mark_done", "reference": ""}, "string_too_short"),
        (ResolveOrder, {"action": "forget"}, "enum"),
    ],
)
def test_refused(model: type[BaseModel], members: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(members)
    assert raised.value.errors()[0]["type"] == code


def test_only_mark_done_needs_a_reference() -> None:
    assert ResolveOrder.model_validate({"action": "retry"}).reference is None
    assert ResolveOrder.model_validate({"action": "mark_done", "reference": "bank 7"}).reference == "bank 7"
