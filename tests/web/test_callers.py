"""The caller table, walked through the pages: nobody sees or moves through them what the API would refuse (T231)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.bootstrap import Services
from services.clock import new_id
from services.order_number import order_number
from services.webhooks.views import DeliveryFilter
from tests.services.webhooks.builders import an_event
from tests.web.desk import a_confirmed_order, an_operator, make_operator
from tests.web.visitor import ORIGIN, Visitor
from web.security import Guard
from web.sessions import SessionCookies
from web.settings import WebSettings

#: Who asks, in the order of the columns below. `half`: an operator who has no second factor yet.
CALLERS = ("anonymous", "stranger", "buyer", "half", "operator")
EVERYBODY = "answered answered answered answered answered"
SIGNED_IN = "sign-in answered answered answered answered"
OWN_ORDER = "sign-in 404 answered 404 answered"
DESK = "sign-in 404 404 404 answered"
NOBODY_ELSE = "sign-in 404 answered 404 404"
#: By route, what each caller gets: the sign-in, a page that does not exist, or an answer.
TABLE = {
    "GET /": EVERYBODY,
    "GET /products/{product_id}": EVERYBODY,
    "POST /basket/add": EVERYBODY,
    "GET /basket": EVERYBODY,
    "POST /basket": EVERYBODY,
    "POST /language": EVERYBODY,
    "GET /return": EVERYBODY,
    "GET /sign-in": EVERYBODY,
    "POST /sign-in": EVERYBODY,
    "GET /register": EVERYBODY,
    "POST /register": EVERYBODY,
    "GET /reset": EVERYBODY,
    "POST /reset": EVERYBODY,
    "POST /reset/confirm": EVERYBODY,
    "POST /orders": SIGNED_IN,
    "GET /orders": "sign-in answered answered answered 404",
    "GET /orders/{order_id}": OWN_ORDER,
    "GET /orders/{order_id}/part": OWN_ORDER,
    "GET /orders/{order_id}/live": OWN_ORDER,
    "POST /orders/{order_id}/pay": OWN_ORDER,
    "POST /orders/{order_id}/cancel": OWN_ORDER,
    "GET /account": SIGNED_IN,
    "POST /account/profile": SIGNED_IN,
    "POST /account/password": SIGNED_IN,
    "POST /account/identifier": SIGNED_IN,
    "POST /account/code/send": SIGNED_IN,
    "POST /account/code/confirm": SIGNED_IN,
    "POST /account/sessions/{session_id}/end": NOBODY_ELSE,
    "GET /account/export": SIGNED_IN,
    "POST /account/delete": SIGNED_IN,
    "GET /account/second-factor": SIGNED_IN,
    "POST /account/second-factor/start": SIGNED_IN,
    "POST /account/second-factor/confirm": SIGNED_IN,
    "POST /account/second-factor/remove": SIGNED_IN,
    "GET /desk": DESK,
    "POST /desk/search": DESK,
    "GET /desk/buyers/{buyer_id}": DESK,
    "GET /desk/orders/{order_id}": DESK,
    "POST /desk/orders/{order_id}/resolve": DESK,
    "POST /desk/orders/{order_id}/cancel": DESK,
    "POST /desk/orders/{order_id}/refund": DESK,
    "GET /desk/webhooks": DESK,
    "POST /desk/webhooks": DESK,
    "GET /desk/webhooks/{endpoint_id}": DESK,
    "POST /desk/webhooks/{endpoint_id}/change": DESK,
    "POST /desk/webhooks/{endpoint_id}/disable": DESK,
    "POST /desk/webhooks/{endpoint_id}/enable": DESK,
    "POST /desk/webhooks/{endpoint_id}/secret": DESK,
    "POST /desk/webhooks/{endpoint_id}/redeliver": DESK,
    "GET /desk/webhook-deliveries": DESK,
    "GET /desk/webhook-deliveries/{delivery_id}": DESK,
    "POST /desk/webhook-deliveries/{delivery_id}/redeliver": DESK,
    "POST /desk/webhooks/{endpoint_id}/delete": DESK,
    "POST /sign-out": EVERYBODY,
}
#: What the API is asked for a page: a caller whom it refuses must not get the page.
OPERATIONS = {
    "GET /orders": "/orders/me",
    "GET /orders/{order_id}": "/orders/{order_id}",
    "GET /orders/{order_id}/part": "/orders/{order_id}/events",
    "GET /account": "/users/me",
    "GET /account/export": "/users/me/export",
    "GET /account/second-factor": "/users/me/otp",
    "GET /desk": "/operations/overview",
    "GET /desk/buyers/{buyer_id}": "/orders?buyerId={buyer_id}",
    "GET /desk/orders/{order_id}": "/orders/{order_id}/comparison",
    "GET /desk/webhooks": "/webhook-endpoints",
    "GET /desk/webhooks/{endpoint_id}": "/webhook-endpoints/{endpoint_id}",
    "GET /desk/webhook-deliveries": "/webhook-deliveries",
    "GET /desk/webhook-deliveries/{delivery_id}": "/webhook-deliveries/{delivery_id}",
}


@dataclass(frozen=True)
class Scene:
    """A confirmed order of the buyer and a webhook about it, whose ids fill in the paths."""

    order_id: UUID
    payment_id: UUID
    ids: dict[str, str]


@pytest.fixture
async def owner(pages: ASGIApp, services: Services) -> AsyncIterator[Visitor]:
    async with Visitor(pages) as opened:
        yield opened


@pytest.fixture
async def scene(owner: Visitor, services: Services) -> Scene:
    await owner.register()
    order_id = await a_confirmed_order(owner, services)
    order, [payment] = services.orders.get(order_id), services.payments.of_order(order_id)
    session_id = services.database.fetch_value(
        "SELECT id FROM identity.sessions WHERE user_id = %(id)s ORDER BY id DESC LIMIT 1", {"id": order.buyer_id}
    )
    endpoint = services.webhook_endpoints.add("http://127.0.0.1:9999/hooks").endpoint
    with services.database.transaction() as tx:
        services.webhooks.queue([an_event(order_id)], tx)
    [delivery] = services.webhooks.before(DeliveryFilter(), None, 2)
    ids = {
        "endpoint_id": str(endpoint.id),
        "delivery_id": str(delivery.id),
        "order_id": str(order_id),
        "buyer_id": str(order.buyer_id),
        "product_id": str(order.lines[0].product_id),
        "session_id": str(session_id),
    }
    return Scene(order_id, payment.id, ids)


async def signed_in(caller: str, pages: ASGIApp, owner: Visitor, services: Services, stack: AsyncExitStack) -> Visitor:
    """The visitor who asks."""
    if caller == "buyer":
        return owner
    visitor = await stack.enter_async_context(Visitor(pages))
    become: dict[str, Callable[[], Awaitable[object]]] = {
        "stranger": visitor.register,
        "half": lambda: make_operator(visitor, services),
        "operator": lambda: an_operator(visitor, services),
    }
    if caller in become:
        await become[caller]()
    return visitor


def outcome(answer: httpx2.Response) -> str:
    if answer.status_code == 303 and answer.headers["Location"].startswith("/sign-in"):
        return "sign-in"
    return "404" if answer.status_code in (403, 404) else "answered"


def test_every_route_is_in_the_table(pages: Guard) -> None:
    """A new page or form needs a row: who may use it, and what everybody else gets."""
    routes = {
        f"{method.upper()} {path}" for path, methods in pages.app.openapi()["paths"].items() for method in methods
    }
    assert routes == TABLE.keys()


@pytest.mark.parametrize("caller", CALLERS)
async def test_T231_a_caller_gets_what_the_api_gives_them(
    caller: str, pages: Guard, owner: Visitor, services: Services, scene: Scene, app: FastAPI, web_settings: WebSettings
) -> None:
    column = CALLERS.index(caller)
    before = moved(services, scene)
    form = {
        "action": "retry",
        "step": "refund_payment",
        "payment": str(scene.payment_id),
        "amount": "1",
        "method": "card:tok_succeeds",
    }
    async with AsyncExitStack() as stack:
        visitor = await signed_in(caller, pages, owner, services, stack)
        api = await stack.enter_async_context(as_caller(visitor, app, web_settings))
        for route, row in TABLE.items():
            method, path = route.split(" ")
            expected = row.split()[column]
            if expected == "answered" and (
                route.endswith("/live") or route == "POST /account/sessions/{session_id}/end"
            ):
                continue  # a stream that does not end, and the end of the session that the walk needs
            fields = {**form, "q": str(scene.order_id)}
            if route in ("POST /sign-in", "POST /register", "POST /reset/confirm", "POST /reset"):
                fields = {"identifier": f"{new_id().hex}@example.com"}
            address = path.format_map(scene.ids)
            answer = await (visitor.http.get(address) if method == "GET" else visitor.send(address, **fields))
            wrong_password = method == "POST" and answer.status_code == 403
            assert outcome(answer) == expected or (wrong_password and expected == "answered"), (
                route,
                answer.status_code,
            )
            if expected != "answered":
                assert order_number(str(scene.order_id)) not in answer.text
                assert "1 Gift Street" not in answer.text
                assert "9999/hooks" not in answer.text
            if route in OPERATIONS:
                allowed = (await api.get(f"/api/v1{OPERATIONS[route].format_map(scene.ids)}")).is_success
                assert allowed or expected != "answered", f"{route}: the API refuses what the page shows"
    if caller in ("anonymous", "stranger", "half"):
        assert moved(services, scene) == before


def as_caller(visitor: Visitor, app: FastAPI, web_settings: WebSettings) -> httpx2.AsyncClient:
    """The API with the visitor's own access token."""
    session = SessionCookies(web_settings.web_secret).read(visitor.http.cookies.get("session"))
    headers = {"Authorization": f"Bearer {session.access_token}"} if session else {}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=ORIGIN, headers=headers)


def moved(services: Services, scene: Scene) -> list[object]:
    """All that a caller could have changed of the buyer's order, and of the account."""
    order = services.orders.get(scene.order_id)
    return [
        order.status,
        order.updated_at,
        services.payments.refunds_of(scene.order_id),
        services.identity.profile(order.buyer_id),
        services.identity.account(str(order.buyer_id)).sessions,
        services.webhook_endpoints.after(),
        services.webhooks.before(DeliveryFilter(), None, 10),
    ]
