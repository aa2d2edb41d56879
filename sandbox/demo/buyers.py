"""Buyers of the demo: register, log in, place an order, wait and cancel over the REST API."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any, TypedDict, cast

import httpx2

from sandbox.demo.invoices import Outcome, PlannedOrder

#: Seconds that a request asks the API to wait for its order (`Prefer: wait`).
WAIT = 30
#: Seconds in which an order must become final.
FINAL_WITHIN = 60.0
PASSWORD_BYTES = 18


class OrderPayment(TypedDict):
    """The payment of an order: the members that the demo reads."""

    paymentId: str
    confirmationUrl: str | None


class Order(TypedDict):
    """An order as the API returns it: the members that the demo reads."""

    id: str
    status: str
    totalAmount: str
    currency: str
    needsAttention: bool
    payment: OrderPayment | None


class UnexpectedResponse(RuntimeError):
    """The API returned another status than expected, or an order did not become final in time."""


def expect(response: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """The JSON body of a response. Raises UnexpectedResponse unless it has one of these statuses."""
    if response.status_code not in statuses:
        request = response.request
        raise UnexpectedResponse(f"{request.method} {request.url.path}: {response.status_code} {response.text[:400]}")
    body: dict[str, Any] = response.json()
    return body


@dataclass
class Buyer:
    """A customer with an account; registered by e-mail or by phone."""

    customer: str
    email: str | None
    phone: str | None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(PASSWORD_BYTES))
    token: str = ""

    @property
    def kind(self) -> str:
        """The kind of identifier: `email` or `phone`."""
        return "email" if self.email else "phone"

    @property
    def identifier(self) -> dict[str, str]:
        """The identifier as a member of a request body."""
        return {self.kind: self.email or self.phone or ""}

    def sign_up(self, http: httpx2.Client) -> None:
        """Register and log in. Raises UnexpectedResponse."""
        person = {"firstName": "Customer", "lastName": self.customer, "password": self.password, **self.identifier}
        expect(http.post(f"/auth/register/{self.kind}", json=person), 201)
        login = {**self.identifier, "password": self.password}
        self.token = expect(http.post(f"/auth/login/{self.kind}", json=login), 200)["accessToken"]

    def headers(self, wait: int | None = None, key: str | None = None) -> dict[str, str]:
        """Authorization, and optionally `Prefer: wait` (seconds) and an idempotency key."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if wait is not None:
            headers["Prefer"] = f"wait={wait}"
        if key is not None:
            headers["Idempotency-Key"] = key
        return headers


@dataclass(frozen=True)
class PaymentMethods:
    """The test cards and the phone that the demo pays with."""

    card: str
    phone: str
    declined_card: str
    slow_card: str

    def of(self, planned: PlannedOrder) -> dict[str, str]:
        """The payment method of an order as a member of the request body."""
        if planned.outcome is Outcome.DECLINED:
            return {"card": self.declined_card}
        if planned.outcome is Outcome.CANCELLED:
            return {"card": self.slow_card}
        return {"phone": self.phone} if planned.method == "phone" else {"card": self.card}


def place(
    http: httpx2.Client, buyer: Buyer, planned: PlannedOrder, products: dict[str, str], methods: PaymentMethods
) -> str:
    """Place an order, and cancel it when that is planned; returns its id. Raises UnexpectedResponse.

    Args:
        http: client of the API.
        buyer: a buyer who is logged in.
        planned: the order to place.
        products: product ids by SKU.
        methods: the payment methods to choose from.
    """
    body = {
        "items": [{"productId": products[sku], "quantity": quantity} for sku, quantity in planned.quantities.items()],
        "country": "GB",
        "region": "England",
        "city": "London",
        "street": "1 Gift Street",
        **methods.of(planned),
    }
    key = f"{planned.invoice}-{min(products[sku] for sku in planned.quantities)}"
    order_id: str = expect(http.post("/orders", json=body, headers=buyer.headers(WAIT, key)), 201)["orderId"]
    if planned.outcome is Outcome.CANCELLED:
        expect(http.post(f"/orders/{order_id}/cancel", json={}, headers=buyer.headers(WAIT)), 200, 202)
    return order_id


def get_order(http: httpx2.Client, buyer: Buyer, order_id: str) -> Order:
    """The order. Raises UnexpectedResponse."""
    return cast(Order, expect(http.get(f"/orders/{order_id}", headers=buyer.headers()), 200))


def wait_until_final(http: httpx2.Client, buyer: Buyer, order_id: str) -> Order:
    """The order when it is confirmed or cancelled. Raises UnexpectedResponse after 60 s."""
    deadline = time.monotonic() + FINAL_WITHIN
    while True:
        order = get_order(http, buyer, order_id)
        if order["status"] in ("confirmed", "cancelled"):
            return order
        if time.monotonic() > deadline:
            raise UnexpectedResponse(f"order {order_id} is still {order['status']} after {FINAL_WITHIN:.0f} s")
        time.sleep(0.1)
