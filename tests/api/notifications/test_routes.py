"""Notifications over HTTP, as services and operators use them (T105 … T110)."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from services.identity.views import Scope
from services.notifications.status import NotificationChannel
from services.notifications.views import NewMessage
from tests.api.people import Person, a_service
from tests.api.shop import pay, placed, reserve

SEND = "/api/v1/notifications/send"
ORDER = "01934f2e-8a7b-7c3d-9e21-5a6c9f3a21c4"
PAID = {"firstName": "Anna", "orderId": ORDER, "totalAmount": "1999.00", "currency": "RUB"}
BODY: dict[str, Any] = {"channel": "email", "to": "anna@example.com", "template": "order_paid", "variables": PAID}


@pytest.fixture
def service(services: Services) -> Person:
    return a_service(services, Scope.NOTIFICATIONS_WRITE)


def slug(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def send(api: httpx2.AsyncClient, who: Person, body: dict[str, Any], **headers: str) -> httpx2.Response:
    return await api.post(SEND, json=body, headers=who.headers | headers)


async def test_T105_no_open_relay(api: httpx2.AsyncClient, services: Services, buyer: Person) -> None:
    assert (await api.post(SEND, json=BODY)).status_code == 401
    for who in (buyer, a_service(services, Scope.NOTIFICATIONS_READ), a_service(services, Scope.ORDERS_READ)):
        assert slug(await send(api, who, BODY)) == (403, "forbidden")


@pytest.mark.parametrize(
    "changed",
    [
        {"template": "no_such"},
        {"channel": "pigeon"},
        {"to": "+79991234567"},
        {"channel": "sms"},
        {"to": "anna@example.com, eve@example.com"},
        {"to": "Anna <anna@example.com>"},
        {"to": "anna@example.com\r\nBcc: eve@example.com"},
        {"to": ["anna@example.com"]},
        {"from": "eve@example.com"},
    ],
    ids=["template", "channel", "phone", "address", "two", "name", "crlf", "list", "from"],
)
async def test_T106_invalid_requests(api: httpx2.AsyncClient, service: Person, changed: dict[str, Any]) -> None:
    answer = await send(api, service, BODY | changed)
    assert slug(answer) == (422, "validation-error")
    assert "eve@example.com" not in answer.text


@pytest.mark.parametrize(
    "variables",
    [
        {},
        PAID | {"more": "x"},
        PAID | {"firstName": "x" * 10_000},
        PAID | {"firstName": 5},
        PAID | {"totalAmount": "x"},
    ],
    ids=["missing", "unknown", "long", "number", "amount"],
)
async def test_T107_variables_are_those_of_the_template(
    api: httpx2.AsyncClient, service: Person, variables: dict[str, Any]
) -> None:
    assert slug(await send(api, service, BODY | {"variables": variables})) == (422, "validation-error")


async def test_T107_T109_nothing_is_rendered_and_nothing_is_shown(
    api: httpx2.AsyncClient, service: Person, services: Services
) -> None:
    hostile = "{{7*7}} <b>bold</b> ${jndi:x}"
    sent = (await send(api, service, BODY | {"variables": PAID | {"firstName": hostile}})).json()
    assert sent["status"] == "queued"
    shown = await api.get(f"/api/v1/notifications/{sent['notificationId']}", headers=service.headers)
    assert sorted(shown.json()) == [
        "channel",
        "createdAt",
        "errorMessage",
        "notificationId",
        "status",
        "template",
        "to",
    ]
    with services.database.transaction() as tx:
        (row,) = tx.fetch_column("SELECT n::text FROM notifications.notifications n")
    assert hostile not in row
    assert "anna@example.com" not in row


async def test_T108_the_same_key_is_one_message(api: httpx2.AsyncClient, service: Person, services: Services) -> None:
    first, again = [await send(api, service, BODY, **{"Idempotency-Key": "once"}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    with services.database.transaction() as tx:
        assert tx.fetch_value("SELECT count(*) FROM notifications.notifications") == 1
    other = await send(api, service, BODY | {"to": "eve@example.com"}, **{"Idempotency-Key": "once"})
    assert slug(other) == (422, "idempotency-key-reused")


async def test_T110_who_may_see_a_notification(
    api: httpx2.AsyncClient, service: Person, buyer: Person, operator: Person
) -> None:
    where = f"/api/v1/notifications/{(await send(api, service, BODY)).json()['notificationId']}"
    assert slug(await api.get(where, headers=buyer.headers)) == (403, "forbidden")
    assert (await api.get(where, headers=operator.headers)).json()["to"] == "a***@e***"
    assert slug(await api.get(f"/api/v1/notifications/{new_id()}", headers=service.headers)) == (404, "not-found")


async def test_the_language_follows_accept_language(
    api: httpx2.AsyncClient, service: Person, services: Services
) -> None:
    await send(api, service, BODY, **{"Accept-Language": "en"})
    with services.database.transaction() as tx:
        assert tx.fetch_value("SELECT language FROM notifications.notifications") == "en"


async def test_T130_messages_of_a_service_count_until_the_recipient_is_verified_or_has_paid(
    api: httpx2.AsyncClient, services: Services, service: Person, buyer: Person
) -> None:
    assert buyer.id is not None
    body = BODY | {"to": buyer.email}

    async def status() -> str:
        return str((await send(api, service, body)).json()["status"])

    assert [await status() for _ in range(11)] == ["queued"] * 10 + ["suppressed"]
    services.database.execute("UPDATE identity.users SET email_verified = true")
    assert await status() == "queued"
    services.database.execute("UPDATE identity.users SET email_verified = false")
    assert await status() == "suppressed"
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    pay(services, order_id)
    assert await status() == "queued"


@pytest.mark.parametrize("variable", ["https://evil.example", "evil.example", "anna@evil"])
async def test_T134_a_variable_with_a_link_is_refused(api: httpx2.AsyncClient, service: Person, variable: str) -> None:
    answer = await send(api, service, BODY | {"variables": PAID | {"firstName": variable}})
    assert slug(answer) == (422, "validation-error")
    assert answer.json()["errors"][0]["pointer"] == "/variables/firstName"


async def test_the_messages_about_an_order_are_listed_oldest_first(
    api: httpx2.AsyncClient, services: Services, operator: Person
) -> None:
    order_id, other = new_id(), new_id()
    wanted = [
        NewMessage(f"notify:{of}:{event}:email", NotificationChannel.EMAIL, "anna@example.com", f"order_{event}", "en",
                   PAID, of)
        for of, event in ((order_id, "created"), (other, "created"), (order_id, "paid"))
    ]  # fmt: skip
    ids = [str(services.notifications.queue([message])[0]) for message in wanted]
    query = {"orderId": str(order_id), "limit": "1"}
    first = (await api.get("/api/v1/notifications", params=query, headers=operator.headers)).json()
    query["cursor"] = first["nextCursor"]
    second = (await api.get("/api/v1/notifications", params=query, headers=operator.headers)).json()

    shown = [*first["items"], *second["items"]]
    assert [each["notificationId"] for each in shown] == [ids[0], ids[2]]
    assert [(each["template"], each["status"], each["to"]) for each in shown] == [
        ("order_created", "queued", "a***@e***"),
        ("order_paid", "queued", "a***@e***"),
    ]
    assert second["nextCursor"] is None


async def test_the_messages_about_an_order_are_for_operators_and_services(
    api: httpx2.AsyncClient, services: Services, buyer: Person, operator: Person
) -> None:
    path = "/api/v1/notifications"
    for who in (buyer, a_service(services, Scope.ORDERS_READ)):
        assert slug(await api.get(path, params={"orderId": ORDER}, headers=who.headers)) == (403, "forbidden")
    reader = a_service(services, Scope.NOTIFICATIONS_READ)
    assert (await api.get(path, params={"orderId": ORDER}, headers=reader.headers)).json()["items"] == []
    assert (await api.get(path, headers=operator.headers)).status_code == 422
