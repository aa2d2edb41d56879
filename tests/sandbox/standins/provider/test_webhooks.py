"""Webhooks are retried until the shop accepts them."""

import time

from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import Shop, WebhookReceiver, new_key


def test_refused_webhook_is_retried_with_growing_delays(shop: Shop, webhooks: WebhookReceiver) -> None:
    reference = new_key()
    webhooks.responses[reference] = [503, 404]
    before = time.monotonic()
    payment = shop.pay(metadata={"reference": reference})
    received = webhooks.wait_for(payment["id"], 3)

    assert [webhook["event"] for webhook in received] == ["payment.succeeded"] * 3
    assert time.monotonic() - before >= 1.5


def test_webhooks_wait_during_an_outage_of_the_provider(
    shop: Shop, webhooks: WebhookReceiver, stand_ins: StandIns
) -> None:
    payment = shop.pay("tok_answers_later_0.1")
    stand_ins.outage("payments", 1.0)
    outage_end = time.monotonic() + 1.0

    webhooks.wait_for(payment["id"])
    assert time.monotonic() >= outage_end - 0.1
