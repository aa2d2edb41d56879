"""Hostile requests of every operation that makes messages: nobody gets more than the budgets allow."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sandbox.settings import StackSettings
from services.notifications.budget import LIMITS
from services.notifications.status import NotificationChannel
from tests.journeys.conftest import running
from tests.journeys.customers import PASSWORD, Customer
from tests.journeys.shop import CHEAP_PASSWORDS, DELIVERY_TIMEOUT, Shop
from tests.journeys.waiting import until

SMS_PER_HOUR = 12
MAIL = LIMITS[NotificationChannel.EMAIL].hour
SMS = LIMITS[NotificationChannel.SMS].hour
#: Codes and reset tokens that one identifier gets in an hour: three of each.
SECRETS = 6
#: One mailbox.
VICTIM = ("victim@example.com", "victim+shop@example.com")
NUMBERS = tuple(f"+7999123450{last}" for last in range(4))
OTHERS_PASSWORD = "another horse battery staple 42"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    env = {**CHEAP_PASSWORDS, "ORDERS_MAX_UNPAID": "0", "SMS_PER_HOUR": str(SMS_PER_HOUR)}
    with running(replace(StackSettings.for_tests(tmp_path), env=env)) as opened:
        yield opened


def attack(shop: Shop, identifier: dict[str, str], product: str, phone: str) -> None:
    """Everything that an account with somebody else's identifier can do to make messages."""
    account = Customer(shop.stack.addresses.api, "en", identifier)
    try:
        account.register()
        account.log_in()
        _send_messages(account, product, phone)
    finally:
        account.http.close()


def _send_messages(account: Customer, product: str, phone: str) -> None:
    kind, login = account.kind, f"/auth/login/{account.kind}"
    for number in range(8):
        account.step(account.place(product), "cancel", reason="see evil.example")
        agent = {"User-Agent": f"Firefox {number} https://evil.example"}
        account.http.post(login, json={**account.identifier, "password": PASSWORD}, headers=agent)
    account.place(product, phone=phone)
    for current, new in pairwise([PASSWORD, OTHERS_PASSWORD, PASSWORD]):
        account.http.post("/auth/password/change", json={"currentPassword": current, "newPassword": new})
    for _ in range(3):
        account.http.post(f"/auth/verify/{kind}/send", json=account.identifier)
        account.http.post("/auth/password/reset/request", json=account.identifier)
        account.http.patch("/users/me", json={"firstName": "Win at evil.example"})
        other = {"email": VICTIM[0]} if kind == "phone" else {"phone": NUMBERS[0]}
        account.http.put(f"/users/me/{next(iter(other))}", json={**other, "currentPassword": PASSWORD})


def order_messages(messages: list[dict[str, Any]], channel: str) -> list[dict[str, Any]]:
    """Those about orders, which name an order in their subject or text."""
    return [one for one in messages if str(one["subject"] if channel == "email" else one["text"]).startswith("Order ")]


def test_T136_hostile_requests_send_no_more_than_the_budgets(shop: Shop) -> None:
    product, phone = shop.product(), shop.paying("phone", "declines")
    began = time.monotonic()
    identifiers = [*({"email": address} for address in VICTIM), *({"phone": number} for number in NUMBERS)]
    with ThreadPoolExecutor(len(identifiers)) as pool:
        list(pool.map(lambda identifier: attack(shop, identifier, product, phone), identifiers))
    until(lambda: shop.rows(_OPEN), lambda found: not found, DELIVERY_TIMEOUT)
    shop.wait_for_delivery()

    mails = [mail for address in VICTIM for mail in shop.inbox(address)]
    assert len(order_messages(mails, "email")) == MAIL
    assert len(mails) <= MAIL + len(VICTIM) * SECRETS
    texts = {number: shop.inbox(number) for number in NUMBERS}
    assert all(len(order_messages(received, "sms")) <= SMS for received in texts.values())
    # What was requested at once is bounded by the hourly number; after that there is one every 5 minutes.
    refilled = int((time.monotonic() - began) / (3600 / SMS_PER_HOUR))
    assert 0 < sum(map(len, texts.values())) <= SMS_PER_HOUR + refilled
    assert shop.inbox(phone) == []
    assert not any("evil" in str(message) for received in (mails, *texts.values()) for message in received)

    suppressed = Counter(row[0] for row in shop.rows(_SUPPRESSED))
    assert suppressed["email"] > MAIL
    assert shop.metric("messages_suppressed", channel="sms") == suppressed["sms"] > SMS_PER_HOUR
    assert shop.violations() == []


_OPEN = "SELECT id FROM orders.orders WHERE status NOT IN ('confirmed', 'cancelled')"
_SUPPRESSED = "SELECT channel FROM notifications.notifications WHERE status = 'suppressed'"
