"""Buyers of the demo: register, log in, place an order, wait and cancel over the REST API."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, NotRequired, TypedDict, cast

import httpx2

from sandbox.demo.invoices import Outcome, PlannedOrder
from services.money import MAX_MINOR

#: Seconds that a request asks the API to wait for its order (`Prefer: wait`).
WAIT = 30
#: Seconds in which an order must become final.
FINAL_WITHIN = 60.0
PASSWORD_BYTES = 18
#: How often a request is sent that gets no answer, or one that says when to send it again (Retry-After).
MAX_TRIES = 6
#: Most seconds between two tries.
MAX_PAUSE = 10.0
#: Seconds for which an access token must be valid at the start of an order: longer than a request and its wait.
TOKEN_MARGIN = 180.0
#: Most units of a product in an order (contract, section 1).
MAX_QUANTITY = 1_000_000
#: Problem types that refuse an order because of the stock.
SHORTAGE = ("out-of-stock", "hold-limit")


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
    cancelReason: NotRequired[str | None]
    needsAttention: NotRequired[bool]
    payment: OrderPayment | None


class UnexpectedResponse(RuntimeError):
    """The API returned another status than expected, or an order did not become final in time."""


class OrderRefused(Exception):
    """The shop cannot sell an order; the message is the reason in a few words."""


def expect(response: httpx2.Response, *statuses: int) -> dict[str, Any]:
    """The JSON body of a response. Raises UnexpectedResponse unless it has one of these statuses."""
    if response.status_code not in statuses:
        request = response.request
        raise UnexpectedResponse(f"{request.method} {request.url.path}: {response.status_code} {response.text[:400]}")
    body: dict[str, Any] = response.json()
    return body


def send(http: httpx2.Client, method: str, path: str, **request: Any) -> httpx2.Response:
    """The response to a request that is safe to repeat; it is sent again when the API asks for that or is away.

    Raises httpx2.TransportError when the API is still away after six tries.
    """
    for tries in range(1, MAX_TRIES + 1):
        try:
            response = http.request(method, path, **request)
        except httpx2.TransportError:
            if tries == MAX_TRIES:
                raise
            time.sleep(1)
            continue
        if "Retry-After" not in response.headers or tries == MAX_TRIES:
            break
        time.sleep(min(float(response.headers["Retry-After"]), MAX_PAUSE))
    return response


@dataclass
class Buyer:
    """A customer with an account; registered by e-mail or by phone. Several threads may use it."""

    customer: str
    email: str | None
    phone: str | None
    password: str = field(default_factory=lambda: secrets.token_urlsafe(PASSWORD_BYTES))
    token: str = ""
    refresh_token: str = field(default="", repr=False)
    #: when the access token ends, by `time.monotonic`
    token_ends: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

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
        # 409: an earlier try has registered, and its answer was lost
        expect(send(http, "POST", f"/auth/register/{self.kind}", json=person), 201, 409)
        login = {**self.identifier, "password": self.password}
        self._keep(expect(send(http, "POST", f"/auth/login/{self.kind}", json=login), 200))

    def stay_signed_in(self, http: httpx2.Client) -> None:
        """Register at the first call; later, exchange an access token that ends soon. Raises UnexpectedResponse."""
        with self._lock:
            if not self.token:
                self.sign_up(http)
            elif time.monotonic() > self.token_ends - TOKEN_MARGIN:
                body = {"refreshToken": self.refresh_token}
                self._keep(expect(send(http, "POST", "/auth/refresh", json=body), 200))

    def _keep(self, pair: dict[str, Any]) -> None:
        self.token, self.refresh_token = pair["accessToken"], pair["refreshToken"]
        self.token_ends = time.monotonic() + pair["expiresIn"]

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
    """Place an order, and cancel it when that is planned; returns its id.

    Args:
        http: client of the API.
        buyer: a buyer who is logged in.
        planned: the order to place.
        products: product ids by SKU.
        methods: the payment methods to choose from.

    Raises:
        OrderRefused: when the goods are short, or the order is larger than the contract allows.
        UnexpectedResponse: for any other refusal.
    """
    body = {
        "items": [{"productId": products[sku], "quantity": quantity} for sku, quantity in planned.quantities.items()],
        "country": "GB",
        "region": "England",
        "city": "London",
        "street": "1 Gift Street",
        **methods.of(planned),
    }
    headers = buyer.headers(WAIT, key=f"order-{planned.number}")
    response = send(http, "POST", "/orders", json=body, headers=headers)
    if reason := _refusal(response, planned):
        raise OrderRefused(reason)
    order_id: str = expect(response, 201)["orderId"]
    if planned.outcome is Outcome.CANCELLED:
        # 409: its payment has ended meanwhile, and the order is confirmed
        cancel = send(http, "POST", f"/orders/{order_id}/cancel", json={}, headers=buyer.headers(WAIT))
        expect(cancel, 200, 202, 409)
    return order_id


def _refusal(response: httpx2.Response, planned: PlannedOrder) -> str | None:
    """Why the shop cannot sell the order; None when it can, or when it is refused for another reason."""
    if response.status_code not in (409, 422):
        return None
    slug = str(response.json()["type"]).rpartition("/")[2]
    if slug in SHORTAGE:
        return slug.replace("-", " ")
    too_large = max(planned.quantities.values()) > MAX_QUANTITY or planned.total > MAX_MINOR
    return "larger than an order may be" if slug == "validation-error" and too_large else None


def get_order(http: httpx2.Client, buyer: Buyer, order_id: str) -> Order:
    """The order. Raises UnexpectedResponse."""
    return cast(Order, expect(send(http, "GET", f"/orders/{order_id}", headers=buyer.headers()), 200))


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
