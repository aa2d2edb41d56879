"""Somebody who buys by HTTP, with an account, a language and one session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2

from tests.journeys.waiting import TIMEOUT, until

PASSWORD = "correct horse battery staple 42"
ADDRESS = {"country": "RU", "region": "Moscow", "city": "Moscow", "street": "1 Gift Street"}
ENDS = ("confirmed", "cancelled")


class Customer:
    """Speaks to one api; `move` to speak to another one."""

    def __init__(self, api: str, language: str, identifier: Mapping[str, str]) -> None:
        """`identifier`: `{"email": …}` or `{"phone": …}`."""
        (self.way,) = identifier
        self.identifier = dict(identifier)
        self.http = httpx2.Client(timeout=TIMEOUT, headers={"Accept-Language": language})
        self.move(api)

    @property
    def address(self) -> str:
        """The e-mail address or phone number of the account."""
        return self.identifier[self.way]

    def move(self, api: str) -> None:
        """Speak to the api at this address from now on."""
        self.http.base_url = httpx2.URL(f"{api}/api/v1")

    def register(self) -> dict[str, Any]:
        person = {"firstName": "Anna", "lastName": "Petrova", "password": PASSWORD, **self.identifier}
        return answered(self.http.post(f"/auth/register/{self.way}", json=person), 201)

    def log_in(self) -> None:
        login = answered(self.http.post(f"/auth/login/{self.way}", json={**self.identifier, "password": PASSWORD}), 200)
        self.http.headers["Authorization"] = f"Bearer {login['accessToken']}"

    def post_order(
        self, product_id: str, *, quantity: int = 1, headers: Mapping[str, str] | None = None, **paid_by: str
    ) -> httpx2.Response:
        """`paid_by`: `card` or `phone`."""
        body = {"items": [{"productId": product_id, "quantity": quantity}], **ADDRESS, **paid_by}
        return self.http.post("/orders", json=body, headers=dict(headers or {}))

    def place(self, product_id: str, *, quantity: int = 1, **paid_by: str) -> str:
        """The id of a new order."""
        placed = answered(self.post_order(product_id, quantity=quantity, headers=None, **paid_by), 201)
        return str(placed["orderId"])

    def order(self, order_id: str) -> dict[str, Any]:
        return answered(self.http.get(f"/orders/{order_id}"), 200)

    def orders(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = answered(self.http.get("/orders/me"), 200)["items"]
        return items

    def timeline(self, order_id: str) -> list[str]:
        """What happened to an order, oldest first."""
        return [str(event["type"]) for event in answered(self.http.get(f"/orders/{order_id}/events"), 200)["items"]]

    def step(self, order_id: str, name: str, **body: str) -> httpx2.Response:
        """`reserve`, `pay`, `confirm` or `cancel`."""
        return self.http.post(f"/orders/{order_id}/{name}", json=body)

    def reaches(self, order_id: str, *statuses: str) -> dict[str, Any]:
        """The order once it has one of the statuses. Raises TimeoutError."""
        return until(lambda: self.order(order_id), lambda order: order["status"] in statuses)

    def meets(self, order_id: str, event: str) -> list[str]:
        """The order's timeline once it has such an event. Raises TimeoutError."""
        return until(lambda: self.timeline(order_id), lambda types: event in types)

    def end_of(self, order_id: str) -> dict[str, Any]:
        """The order once it has ended. Raises TimeoutError."""
        return self.reaches(order_id, *ENDS)


def answered(answer: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """The body of an answer that has one of the statuses."""
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text}"
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and slug of a refusal."""
    return answer.status_code, str(answer.json()["type"]).rsplit("/", 1)[-1]
