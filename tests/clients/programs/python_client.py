"""Places an order through the client of openapi-python-client.

Arguments: address of the api, e-mail of a new account, card token. Prints what came of it as JSON.
"""

from __future__ import annotations

import json
import sys
from typing import TypeVar

from marketplace_client import AuthenticatedClient, Client
from marketplace_client.api.catalog import list_products
from marketplace_client.api.identity import login_by_email, register_by_email
from marketplace_client.api.orders import get_order, list_order_events, place_order
from marketplace_client.models import (
    ListProductsInStock,
    LoginByEmail,
    NewOrderLine,
    OrderStatus,
    PlaceOrder,
    Problem,
    RegisterByEmail,
)

T = TypeVar("T")
OVER = (OrderStatus.CONFIRMED, OrderStatus.CANCELLED)
PASSWORD = "correct horse battery staple 42"


def answered(parsed: T | Problem | None) -> T:
    """The answer. Raises RuntimeError with the type of a problem."""
    if parsed is None or isinstance(parsed, Problem):
        raise RuntimeError(parsed.type_ if parsed else "no answer that the document describes")
    return parsed


def main(base_url: str, email: str, card: str) -> None:
    """Register, sign in, order one unit of the first product."""
    anonymous = Client(base_url=base_url)
    person = RegisterByEmail(first_name="Anna", last_name="Petrova", email=email, password=PASSWORD)
    answered(register_by_email.sync(client=anonymous, body=person))
    login = answered(login_by_email.sync(client=anonymous, body=LoginByEmail(email=email, password=PASSWORD)))
    products = answered(list_products.sync(client=anonymous, in_stock=ListProductsInStock.TRUE, limit=1))
    product = products.items[0]

    client = AuthenticatedClient(base_url=base_url, token=login.access_token)
    body = PlaceOrder(
        items=[NewOrderLine(product_id=product.id, quantity=1)],
        country="RU",
        region="Moscow",
        city="Moscow",
        street="1 Gift Street",
        card=card,
    )
    placed = answered(place_order.sync(client=client, body=body, prefer="wait=20", idempotency_key=f"order-{email}"))
    order = answered(get_order.sync(placed.order_id, client=client))
    while order.status not in OVER:
        order = answered(get_order.sync(placed.order_id, client=client))
    events = answered(list_order_events.sync(placed.order_id, client=client))

    unknown = PlaceOrder(product_id=placed.order_id, country="RU", region="M", city="M", street="M")
    refused = place_order.sync(client=client, body=unknown)
    print(
        json.dumps(
            {
                "status": order.status.value,
                "method": order.payment.method.value if order.payment else None,
                "lastEvent": events.items[-1].type_.value,
                "problem": refused.type_.value if isinstance(refused, Problem) else None,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
