"""Webhook endpoints and deliveries over HTTP, as operators manage them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from structlog.testing import capture_logs

from api.access.operations import BASE
from services.bootstrap import Services
from services.clock import new_id
from services.identity.views import Scope
from services.webhooks.status import WebhookEventType
from tests.api.people import Person, a_service
from tests.services.webhooks.builders import an_event

ENDPOINTS, DELIVERIES = f"{BASE}/webhook-endpoints", f"{BASE}/webhook-deliveries"
URL = "http://127.0.0.1:9999/hooks"
KEY = {"Idempotency-Key": "once"}


@pytest.fixture
async def endpoint(api: httpx2.AsyncClient, operator: Person) -> dict[str, Any]:
    """An endpoint as its creation was answered."""
    answer = await api.post(ENDPOINTS, json={"url": URL, "description": "ERP"}, headers=operator.headers)
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{ENDPOINTS}/{answer.json()['endpointId']}"
    created: dict[str, Any] = answer.json()
    return created


def queue(services: Services, count: int = 1) -> list[UUID]:
    """The orders of events that are queued for every endpoint."""
    orders = [new_id() for _ in range(count)]
    with services.database.transaction() as tx:
        services.webhooks.queue([an_event(order_id) for order_id in orders], tx)
    return orders


async def test_an_endpoint_is_created_listed_changed_and_deleted(
    api: httpx2.AsyncClient, operator: Person, endpoint: dict[str, Any]
) -> None:
    one = f"{ENDPOINTS}/{endpoint['endpointId']}"
    assert endpoint["eventTypes"] == [*WebhookEventType]
    assert (endpoint["enabled"], endpoint["description"]) == (True, "ERP")
    shown = {name: value for name, value in endpoint.items() if name != "secret"}
    assert (await api.get(one, headers=operator.headers)).json() == shown
    assert (await api.get(ENDPOINTS, headers=operator.headers)).json()["items"] == [shown]
    change = {"eventTypes": ["order.paid"], "enabled": False, "description": "", "url": f"{URL}/2"}
    changed = (await api.patch(one, json=change, headers=operator.headers)).json()
    assert {name: changed[name] for name in change} == change
    assert changed["disabledReason"] == "operator"
    assert (await api.patch(one, json={"enabled": True}, headers=operator.headers)).json()["disabledReason"] is None
    assert (await api.delete(one, headers=operator.headers)).status_code == 204
    assert (await api.get(one, headers=operator.headers)).status_code == 404


async def test_T226_a_secret_is_shown_once_and_is_in_no_row_and_no_log(
    api: httpx2.AsyncClient, operator: Person, services: Services
) -> None:
    with capture_logs() as logs:
        body = {"url": URL}
        first = await api.post(ENDPOINTS, json=body, headers=operator.headers | KEY)
        again = await api.post(ENDPOINTS, json=body, headers=operator.headers | KEY)
        rotated = await api.post(f"{ENDPOINTS}/{first.json()['endpointId']}/secret", headers=operator.headers)
    secrets = [first.json()["secret"], rotated.json()["secret"]]
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert secrets[0] != secrets[1]
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json() | {"secret": None}
    assert rotated.json()["previousSecretUntil"] is not None
    stored = services.database.fetch_value("SELECT string_agg(p::text, '') FROM webhooks.endpoints p")
    assert not any(secret in text for secret in secrets for text in (stored, str(logs)))
    assert services.database.fetch_value("SELECT count(*) FROM webhooks.endpoints") == 1


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://169.254.169.254/latest/meta-data", id="metadata"),
        pytest.param("http://10.0.0.1/", id="private"),
        pytest.param("http://[::ffff:10.0.0.1]/", id="mapped"),
        pytest.param("https://anna:secret@8.8.8.8/", id="password"),
        pytest.param("ftp://8.8.8.8/", id="scheme"),
        pytest.param("https://8.8.8.8:25/", id="port"),
    ],
)
async def test_T220_T224_an_endpoint_with_such_a_url_is_refused(
    api: httpx2.AsyncClient, operator: Person, endpoint: dict[str, Any], url: str
) -> None:
    for answer in (
        await api.post(ENDPOINTS, json={"url": url}, headers=operator.headers),
        await api.patch(f"{ENDPOINTS}/{endpoint['endpointId']}", json={"url": url}, headers=operator.headers),
    ):
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/url")
        assert url not in answer.text
    assert len((await api.get(ENDPOINTS, headers=operator.headers)).json()["items"]) == 1


async def test_T227_only_operators_see_and_change_webhooks(
    api: httpx2.AsyncClient, buyer: Person, services: Services, endpoint: dict[str, Any]
) -> None:
    one = f"{ENDPOINTS}/{endpoint['endpointId']}"
    for person in (buyer, a_service(services, *Scope)):
        for method, path in (("GET", ENDPOINTS), ("POST", ENDPOINTS), ("DELETE", one), ("GET", DELIVERIES)):
            answer = await api.request(method, path, headers=person.headers)
            assert answer.status_code == 403, (method, path)


async def test_there_are_at_most_twenty_endpoints(api: httpx2.AsyncClient, operator: Person) -> None:
    answers = [await api.post(ENDPOINTS, json={"url": URL}, headers=operator.headers) for _ in range(21)]
    assert [answer.status_code for answer in answers] == [201] * 20 + [422]


async def test_deliveries_are_listed_newest_first_and_filtered(
    api: httpx2.AsyncClient, operator: Person, services: Services, endpoint: dict[str, Any]
) -> None:
    orders = queue(services, 3)

    async def listed(**query: str | int) -> list[str]:
        answer = await api.get(DELIVERIES, params=query, headers=operator.headers)
        return [item["orderId"] for item in answer.json()["items"]]

    every = await listed()
    assert sorted(every) == sorted(map(str, orders))
    first = (await api.get(DELIVERIES, params={"limit": 2}, headers=operator.headers)).json()
    assert [item["orderId"] for item in first["items"]] + await listed(limit=2, cursor=first["nextCursor"]) == every
    assert await listed(orderId=str(orders[0])) == [str(orders[0])]
    assert len(await listed(status="waiting", endpointId=endpoint["endpointId"])) == 3
    assert await listed(status="failed") == []
    assert await listed(endpointId=str(new_id())) == []


async def test_a_delivery_is_sent_again(
    api: httpx2.AsyncClient, operator: Person, services: Services, endpoint: dict[str, Any]
) -> None:
    queue(services)
    services.database.execute("UPDATE webhooks.deliveries SET status = 'failed', tries = 10, finished_at = now()")
    listed = (await api.get(DELIVERIES, headers=operator.headers)).json()["items"][0]
    one = f"{DELIVERIES}/{listed['deliveryId']}"
    again = await api.post(f"{one}/redeliver", headers=operator.headers)
    assert (again.status_code, again.json()["status"]) == (202, "waiting")
    assert again.json()["webhookId"] == listed["webhookId"]
    found = (await api.get(one, headers=operator.headers)).json()
    assert (found["log"], found["body"][:20]) == ([], '{"type":"order.paid"')
    off = await api.patch(f"{ENDPOINTS}/{endpoint['endpointId']}", json={"enabled": False}, headers=operator.headers)
    assert off.json()["failed"] == 1
    refused = await api.post(f"{one}/redeliver", headers=operator.headers)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/invalid-transition")


async def test_everything_that_failed_since_a_time_is_sent_again(
    api: httpx2.AsyncClient, operator: Person, services: Services, endpoint: dict[str, Any]
) -> None:
    queue(services, 2)
    services.database.execute("UPDATE webhooks.deliveries SET status = 'failed'")
    queue(services)
    again = f"{ENDPOINTS}/{endpoint['endpointId']}/redeliver"
    now = datetime.now(UTC)
    for since, count in ((now + timedelta(minutes=1), 0), (now - timedelta(minutes=1), 2), (now, 0)):
        answer = await api.post(again, json={"since": since.isoformat()}, headers=operator.headers)
        assert (answer.status_code, answer.json()) == (202, {"redelivered": count})
