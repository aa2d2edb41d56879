"""A buyer who uses the HTTP API, with an account, a language and one session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from tests.journeys.waiting import TIMEOUT, until

PASSWORD = "correct horse battery staple 42"
ADDRESS = {"country": "RU", "region": "Moscow", "city": "Moscow", "street": "1 Gift Street"}
FINAL_STATUSES = ("confirmed", "cancelled")


class Customer:
    """Sends requests to one API; `use_api` changes which."""

    def __init__(self, api: str, language: str, identifier: Mapping[str, str]) -> None:
        """`identifier`: `{"email": …}` or `{"phone": …}`."""
        (self.kind,) = identifier
        self.identifier = dict(identifier)
        self.http = httpx2.Client(timeout=TIMEOUT, headers={"Accept-Language": language})
        self.use_api(api)

    @property
    def address(self) -> str:
        """The e-mail address or phone number of the account."""
        return self.identifier[self.kind]

    def use_api(self, api: str) -> None:
        """Send requests to the API at this address from now on."""
        self.http.base_url = httpx2.URL(f"{api}/api/v1")

    def register(self) -> dict[str, Any]:
        person = {"firstName": "Anna", "lastName": "Petrova", "password": PASSWORD, **self.identifier}
        return answered(self.http.post(f"/auth/register/{self.kind}", json=person), 201)

    def log_in(self) -> None:
        login = answered(
            self.http.post(f"/auth/login/{self.kind}", json={**self.identifier, "password": PASSWORD}), 200
        )
        self.http.headers["Authorization"] = f"Bearer {login['accessToken']}"

    def post_order(
        self, product_id: str, *, quantity: int = 1, headers: Mapping[str, str] | None = None, **paid_by: str
    ) -> httpx2.Response:
        """`paid_by`: `card` or `phone`."""
        body = {"items": [{"productId": product_id, "quantity": quantity}], **ADDRESS, **paid_by}
        return self.http.post("/orders", json=body, headers=dict(headers or {}))

    def place(self, product_id: str, *, quantity: int = 1, **paid_by: str) -> str:
        """Place an order; returns its id."""
        placed = answered(self.post_order(product_id, quantity=quantity, headers=None, **paid_by), 201)
        return str(placed["orderId"])

    def place_many(self, products: Sequence[str], **paid_by: str) -> str:
        """Place an order of one unit of each product; returns its id."""
        items = [{"productId": product_id, "quantity": 1} for product_id in products]
        placed = answered(self.http.post("/orders", json={"items": items, **ADDRESS, **paid_by}), 201)
        return str(placed["orderId"])

    def order(self, order_id: str) -> dict[str, Any]:
        return answered(self.http.get(f"/orders/{order_id}"), 200)

    def orders(self) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = answered(self.http.get("/orders/me"), 200)["items"]
        return items

    def timeline(self, order_id: str) -> list[str]:
        """The event types of an order, oldest first."""
        return [str(event["type"]) for event in answered(self.http.get(f"/orders/{order_id}/events"), 200)["items"]]

    def step(self, order_id: str, name: str, **body: str) -> httpx2.Response:
        """`reserve`, `pay`, `confirm` or `cancel`."""
        return self.http.post(f"/orders/{order_id}/{name}", json=body)

    def wait_for_status(self, order_id: str, *statuses: str) -> dict[str, Any]:
        """Wait until the order has one of the statuses. Raises TimeoutError."""
        return until(lambda: self.order(order_id), lambda order: order["status"] in statuses)

    def wait_for_event(self, order_id: str, event: str) -> list[str]:
        """Wait until the order's timeline has this event; returns the timeline. Raises TimeoutError."""
        return until(lambda: self.timeline(order_id), lambda types: event in types)

    def wait_for_end(self, order_id: str) -> dict[str, Any]:
        """Wait until the order is confirmed or cancelled. Raises TimeoutError."""
        return self.wait_for_status(order_id, *FINAL_STATUSES)


def answered(answer: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """Check the status of a response; returns its body."""
    assert answer.status_code in statuses, f"{answer.status_code}: {answer.text}"
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx2.Response) -> tuple[int, str]:
    """Status and problem slug of an error response."""
    return answer.status_code, str(answer.json()["type"]).rsplit("/", 1)[-1]
