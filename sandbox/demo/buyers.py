"""Buyers who use the REST API as anybody would: register, log in, place an order, wait, cancel."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from sandbox.demo.invoices import Fate, Planned

#: Seconds for which one request may wait for its order.
WAIT = 30
PASSWORD_BYTES = 18


class Refusal(RuntimeError):
    """The API said no where the demo expected yes."""


def expect(answer: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """The body of an expected answer. Raises Refusal with the problem's own words."""
    if answer.status_code not in statuses:
        raise Refusal(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:400]}")
    body: dict[str, Any] = answer.json()
    return body


@dataclass
class Buyer:
    """One customer; registered by e-mail or by phone."""

    customer: str
    email: str | None
    phone: str | None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(PASSWORD_BYTES))
    token: str = ""

    @property
    def way(self) -> str:
        return "email" if self.email else "phone"

    @property
    def identifier(self) -> dict[str, str]:
        return {self.way: self.email or self.phone or ""}

    def sign_up(self, http: httpx2.Client) -> None:
        """Register and log in."""
        person = {"firstName": "Customer", "lastName": self.customer, "password": self.password, **self.identifier}
        expect(http.post(f"/auth/register/{self.way}", json=person), 201)
        login = {**self.identifier, "password": self.password}
        self.token = expect(http.post(f"/auth/login/{self.way}", json=login), 200)["accessToken"]

    def headers(self, wait: int | None = None, key: str | None = None) -> dict[str, str]:
        """Bearer, and if asked `Prefer: wait` and an idempotency key."""
        made = {"Authorization": f"Bearer {self.token}"}
        if wait is not None:
            made["Prefer"] = f"wait={wait}"
        if key is not None:
            made["Idempotency-Key"] = key
        return made


@dataclass(frozen=True)
class Means:
    """What is paid with, from the stand-in's own list of scripts."""

    card: str
    phone: str
    declined_card: str
    slow_card: str

    def of(self, planned: Planned) -> dict[str, str]:
        """The member of the order that says how it is paid."""
        if planned.fate is Fate.DECLINED:
            return {"card": self.declined_card}
        if planned.fate is Fate.CANCELLED:
            return {"card": self.slow_card}
        return {"phone": self.phone} if planned.method == "phone" else {"card": self.card}


def place(http: httpx2.Client, buyer: Buyer, planned: Planned, products: dict[str, str], means: Means) -> str:
    """Place one order and see it to its end; returns its id. Raises Refusal."""
    body = {
        "items": [{"productId": products[sku], "quantity": quantity} for sku, quantity in planned.quantities.items()],
        "country": "GB",
        "region": "England",
        "city": "London",
        "street": "1 Gift Street",
        **means.of(planned),
    }
    key = f"{planned.invoice}-{min(products[sku] for sku in planned.quantities)}"
    order_id: str = expect(http.post("/orders", json=body, headers=buyer.headers(WAIT, key)), 201)["orderId"]
    if planned.fate is Fate.CANCELLED:
        expect(http.post(f"/orders/{order_id}/cancel", json={}, headers=buyer.headers(WAIT)), 200, 202)
    return order_id


def ended(http: httpx2.Client, buyer: Buyer, order_id: str) -> dict[str, Any]:
    """The order once it is confirmed or cancelled. Raises Refusal when that takes longer than a minute."""
    ends = time.monotonic() + 60
    while True:
        order = expect(http.get(f"/orders/{order_id}", headers=buyer.headers()), 200)
        if order["status"] in ("confirmed", "cancelled"):
            return order
        if time.monotonic() > ends:
            raise Refusal(f"order {order_id} is still {order['status']} after a minute")
        time.sleep(0.1)
