"""Signed payment notifications (Standard Webhooks): authenticated before they are parsed, deduplicated, verified."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import httpx2
import pytest
from standardwebhooks.webhooks import Webhook

from services.bootstrap import Services
from services.clock import new_id
from tests.api.payments.reports import PAYMENTS, commands, failure_of, kept, notify, report_of, signed, waiting_payment
from tests.api.people import Person
from tests.api.shop import confirm

Headers = list[tuple[str, str]]
Change = Callable[[dict[str, str], Services, bytes], Headers]

OTHER = "whsec_" + base64.b64encode(b"another secret of enough length!").decode()


def _without(name: str) -> Change:
    return lambda headers, _services, _body: [(key, value) for key, value in headers.items() if key != name]


def _twice(name: str) -> Change:
    return lambda headers, _services, _body: [*headers.items(), (name, headers[name])]


def _with(name: str, value: str) -> Change:
    return lambda headers, _services, _body: list((headers | {name: value}).items())


def _at(seconds: float) -> Change:
    return lambda _headers, services, body: list(signed(services, body, at=seconds).items())


def _empty_key(headers: dict[str, str], _services: Services, body: bytes) -> Headers:
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    forged = base64.b64encode(hmac.digest(b"", content, hashlib.sha256)).decode()
    return list((headers | {"webhook-signature": f"v1,{forged}"}).items())


FORGED: dict[str, Change] = {
    "no-id": _without("webhook-id"),
    "no-timestamp": _without("webhook-timestamp"),
    "no-signature": _without("webhook-signature"),
    "wrong-signature": _with("webhook-signature", "v1," + base64.b64encode(bytes(32)).decode()),
    "old": _at(-302),
    "future": _at(302),
    "other-secret": lambda _headers, services, body: list(signed(services, body, secrets=OTHER).items()),
    "other-body": lambda _headers, services, body: list(signed(services, body[:-1] + b" ").items()),
    "other-id": _with("webhook-id", "msg_of-another-message"),
    "id-twice": _twice("webhook-id"),
    "timestamp-twice": _twice("webhook-timestamp"),
    "signature-twice": _twice("webhook-signature"),
    "other-scheme": lambda headers, _services, _body: list(
        (headers | {"webhook-signature": headers["webhook-signature"].replace("v1,", "v1a,")}).items()
    ),
    "not-base64": _with("webhook-signature", "v1,\u00bb v1, v1,=== ,"),
    "timestamp-in-words": _with("webhook-timestamp", "now"),
    "long-id": lambda _headers, services, body: list(signed(services, body, message_id="m" * 129).items()),
    "key-of-nothing": _empty_key,
}


@pytest.mark.parametrize("change", FORGED.values(), ids=FORGED.keys())
async def test_T95_an_invalid_signature(
    api: httpx2.AsyncClient, buyer: Person, services: Services, change: Change
) -> None:
    payment = await waiting_payment(api, buyer, services)
    body = report_of(payment)
    headers = [(name.encode(), value.encode()) for name, value in change(signed(services, body), services, body)]

    answer = await api.post(f"{PAYMENTS}/{payment.id}/notify", content=body, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/invalid-signature")
    assert (commands(services, payment.order_id), kept(services)) == ([], 0)


async def test_T102_a_bearer_token_is_no_signature(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    payment = await waiting_payment(api, buyer, services)
    answer = await api.post(f"{PAYMENTS}/{payment.id}/notify", content=report_of(payment), headers=buyer.headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/invalid-signature")


@pytest.mark.parametrize("at", [-298, 298])
async def test_F49_a_signed_message_is_accepted_without_temporal(
    api: httpx2.AsyncClient, buyer: Person, services: Services, at: float
) -> None:
    payment = await waiting_payment(api, buyer, services)
    answer = await notify(api, services, payment.id, report_of(payment), at=at)
    assert (answer.status_code, answer.json()) == (200, {"status": "accepted"})
    assert commands(services, payment.order_id) == [("payment_updated", str(payment.id))]
    assert services.payments.get(payment.id).status == "pending"


async def test_the_standard_library_signs_and_we_verify(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services)
    body = report_of(payment)
    now = datetime.now(UTC)
    signature = Webhook(services.settings.webhook_secrets).sign("msg_1", now, body.decode())
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": f"v1,{OTHER[6:]} {signature}",
        "content-type": "application/json",
    }
    answer = await api.post(f"{PAYMENTS}/{payment.id}/notify", content=body, headers=headers)
    assert answer.status_code == 200


async def test_the_stand_in_signs_and_the_standard_library_verifies(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services)
    body = report_of(payment)
    read = Webhook(services.settings.webhook_secrets).verify(body.decode(), signed(services, body))
    assert read == json.loads(body)


async def test_T96_the_body_of_one_payment_on_the_path_of_another(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    one = await waiting_payment(api, buyer, services)
    other = await waiting_payment(api, buyer, services)

    answer = await notify(api, services, other.id, report_of(one))

    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/payment-order-mismatch")
    assert (kept(services), commands(services, one.order_id), commands(services, other.order_id)) == (0, [], [])


async def test_T97_F43_one_message_a_hundred_times_fifty_at_once(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services)
    body = report_of(payment)
    places = asyncio.Semaphore(50)

    async def send() -> int:
        async with places:
            return (await notify(api, services, payment.id, body, message_id="msg_same")).status_code

    statuses = await asyncio.gather(*[send() for _ in range(100)])

    assert set(statuses) == {200}
    assert kept(services) == 1
    assert commands(services, payment.order_id) == [("payment_updated", str(payment.id))]


async def test_I11_the_id_of_another_payments_message_has_no_effect(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    one = await waiting_payment(api, buyer, services)
    other = await waiting_payment(api, buyer, services)
    answers = [await notify(api, services, each.id, report_of(each), message_id="msg_same") for each in (one, other)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert (kept(services), commands(services, other.order_id)) == (1, [])


async def test_T98_the_same_event_under_another_id(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    payment = await waiting_payment(api, buyer, services, card="tok_succeeds")
    confirm(services, payment.order_id)
    before = services.orders.events(payment.order_id)
    for _ in range(3):
        assert (await notify(api, services, payment.id, report_of(payment))).status_code == 200
    assert commands(services, payment.order_id) == []
    assert services.orders.events(payment.order_id) == before
    assert services.payments.get(payment.id) == payment


@pytest.mark.parametrize("changes", [{"amount": "1.00"}, {"currency": "USD"}, {"amount": 1299.01}])
async def test_T100_another_amount_stops_the_payment(
    api: httpx2.AsyncClient, buyer: Person, services: Services, operator: Person, changes: dict[str, Any]
) -> None:
    payment = await waiting_payment(api, buyer, services)

    answer = await notify(api, services, payment.id, report_of(payment, **changes))

    assert answer.status_code == 200
    seen = await api.get(f"{PAYMENTS}/{payment.id}", headers=operator.headers)
    assert seen.json()["status"] == "review"
    assert services.orders.get(payment.order_id).status == "payment_pending"
    assert commands(services, payment.order_id) == [("payment_updated", str(payment.id))]
    assert (await notify(api, services, payment.id, report_of(payment))).status_code == 200
    assert services.payments.refresh(payment.id).status == "review"


async def test_T100_I11_another_amount_changes_no_decided_payment(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services, card="tok_succeeds")
    confirm(services, payment.order_id)
    assert (await notify(api, services, payment.id, report_of(payment, amount="5.00"))).status_code == 200
    assert services.payments.get(payment.id) == payment
    assert services.orders.get(payment.order_id).status == "confirmed"
    assert kept(services) == 1


async def test_T101_a_message_about_an_unknown_payment_is_to_be_sent_again(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services)
    unknown = new_id()
    answer = await notify(api, services, unknown, report_of(payment, paymentId=str(unknown)))
    assert (answer.status_code, kept(services)) == (404, 0)


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "paid"},
        {"failureCode": "x" * 10_000},
        {"failureCode": "<b>"},
        {"amount": "12.345"},
        {"amount": "-1.00"},
        {"amount": "0.00"},
        {"amount": True},
        {"amount": None},
        {"currency": "RUR"},
        {"paymentId": "17"},
        {"more": 1},
    ],
    ids=str,
)
async def test_T103_unreadable_messages(
    api: httpx2.AsyncClient, buyer: Person, services: Services, changes: dict[str, Any]
) -> None:
    payment = await waiting_payment(api, buyer, services)
    answer = await notify(api, services, payment.id, report_of(payment, **changes))
    assert (answer.status_code, kept(services)) == (422, 0)


async def test_T72_T103_failure_messages_are_for_operators(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    payment = await waiting_payment(api, buyer, services)
    words = "<script>alert(1)</script> secret_key " + "x" * 10_000
    body = report_of(payment, "failed", failureCode="insufficient_funds", failureMessage=words)
    assert (await notify(api, services, payment.id, body)).status_code == 200
    assert failure_of(services, payment.id) == ("insufficient_funds", words[:500])
    shown = await api.get(f"/api/v1/orders/{payment.order_id}", headers=buyer.headers)
    timeline = await api.get(f"/api/v1/orders/{payment.order_id}/events", headers=buyer.headers)
    assert "secret_key" not in shown.text + timeline.text


async def test_the_order_of_the_checks(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    payment = await waiting_payment(api, buyer, services)
    path = f"{PAYMENTS}/{payment.id}/notify"

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(1024):
            yield b" " * 1024

    assert (await api.post(path, content=chunks())).status_code == 413  # T104
    assert (await api.post(path, content=b"{")).status_code == 401
    broken = signed(services, b"{")
    assert (await api.post(path, content=b"{", headers=broken)).status_code == 400
    assert (await api.post(path, content=b"{", headers=broken | {"Content-Type": "text/plain"})).status_code == 415


@pytest.mark.parametrize("order", list(permutations(["pending", "succeeded", "failed", "refunded"])), ids="-".join)
async def test_T99_F44_messages_in_any_order_end_in_the_provider_s_state(
    api: httpx2.AsyncClient, buyer: Person, services: Services, order: tuple[str, ...]
) -> None:
    payment = await waiting_payment(api, buyer, services, card="tok_succeeds")
    for status in order:
        assert (await notify(api, services, payment.id, report_of(payment, status))).status_code == 200
        services.payments.refresh(payment.id)
    confirm(services, payment.order_id)
    assert services.payments.get(payment.id) == payment
    assert services.orders.get(payment.order_id).status == "confirmed"
