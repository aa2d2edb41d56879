"""Places an order with httpx2, on the models that datamodel-code-generator wrote.

Arguments: address of the api, e-mail of a new account, card token. Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import TypeVar
from uuid import UUID

import httpx2
from models import (
    LoginByEmail,
    NewOrderLine,
    Order,
    OrderEventPage,
    OrderStatus,
    PlacedOrder,
    PlaceOrder,
    Problem,
    ProductPage,
    RegisterByEmail,
    TokenPair,
    UserProfile,
)
from pydantic import BaseModel

T = TypeVar("T", bound=BaseModel)
OVER = (OrderStatus.confirmed, OrderStatus.cancelled)
PASSWORD = "correct horse battery staple 42"


class Api:
    """The operations that this program needs."""

    def __init__(self, base_url: str) -> None:
        self.http = httpx2.Client(base_url=f"{base_url}/api/v1", timeout=60)

    def get(self, path: str, model: type[T]) -> T:
        return self._answered(self.http.get(path), model)

    def post(self, path: str, body: BaseModel, model: type[T]) -> T:
        return self._answered(self.send(path, body), model)

    def send(self, path: str, body: BaseModel) -> httpx2.Response:
        content = body.model_dump_json(by_alias=True, exclude_none=True)
        headers = {"Content-Type": "application/json", "Prefer": "wait=20"}
        return self.http.post(path, content=content, headers=headers)

    def _answered(self, answer: httpx2.Response, model: type[T]) -> T:
        if answer.is_error:
            raise RuntimeError(Problem.model_validate_json(answer.content).type)
        return model.model_validate_json(answer.content)


def order_of(
    *, items: list[NewOrderLine] | None = None, product_id: UUID | None = None, card: str | None = None
) -> PlaceOrder:
    """An order of these items, or of one unit of a product."""
    return PlaceOrder(
        items=items,
        productId=product_id,
        card=card,
        country="RU",
        region="Moscow",
        city="Moscow",
        street="1 Gift Street",
    )


def main(base_url: str, email: str, card: str) -> None:
    """Register, sign in, order one unit of the first product."""
    api = Api(base_url)
    person = RegisterByEmail(firstName="Anna", lastName="Petrova", email=email, password=PASSWORD)
    api.post("/auth/register/email", person, UserProfile)
    login = api.post("/auth/login/email", LoginByEmail(email=email, password=PASSWORD), TokenPair)
    product = api.get("/products?inStock=true&limit=1", ProductPage).items[0]

    api.http.headers["Authorization"] = f"Bearer {login.accessToken}"
    line = NewOrderLine(productId=product.id, quantity=1)
    placed = api.post("/orders", order_of(items=[line], card=card), PlacedOrder)
    order = api.get(f"/orders/{placed.orderId}", Order)
    while order.status not in OVER:
        order = api.get(f"/orders/{placed.orderId}", Order)
    events = api.get(f"/orders/{placed.orderId}/events", OrderEventPage)

    refused = api.send("/orders", order_of(product_id=placed.orderId))
    print(
        json.dumps(
            {
                "status": order.status.value,
                "method": order.payment.method.value if order.payment else None,
                "lastEvent": events.items[-1].type.value,
                "problem": Problem.model_validate_json(refused.content).type.value,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
