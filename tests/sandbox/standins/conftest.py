"""The stand-ins with short delays in one process for all tests, a shop, and a receiver of webhooks."""

from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.standins.running import StandIns, running_stand_ins
from tests.sandbox.standins.clients import Shop, WebhookReceiver

SHORT_DELAYS: dict[str, Any] = {
    "ANSWERS_LATER_SECONDS": "0.4",
    "PHONE_ANSWER_SECONDS": "0.2",
    "MOMENT_SECONDS": "0.3",
    "LATE_WEBHOOK_SECONDS": "0.8",
    "HANG_SECONDS": "0.5",
    "CONFIRMATION_SECONDS": "1",
}
# The current secret and the next one.
SECRETS = (
    "whsec_" + "c2FuZGJveC1zZWNyZXQtb25lLW9mLTMyLWJ5dGVzISE=",
    "whsec_" + "c2FuZGJveC1zZWNyZXQtdHdvLW9mLTMyLWJ5dGVzISE=",
)


@pytest.fixture(scope="session")
def webhooks() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def stand_ins(webhooks: WebhookReceiver) -> Iterator[StandIns]:
    signing = {"NOTIFY_URL": webhooks.notify_url, "PAYMENT_WEBHOOK_SECRETS": ",".join(SECRETS)}
    with running_stand_ins(webhooks.url, **(SHORT_DELAYS | signing)) as running:
        yield running


@pytest.fixture(scope="session")
def shop(stand_ins: StandIns) -> Iterator[Shop]:
    shop = Shop(stand_ins)
    yield shop
    shop.client.close()
