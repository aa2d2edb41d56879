"""Webhooks reach a shop that refuses them or is away for a while, and wait while the provider is away itself."""

import time

from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import Shop, WebhookReceiver, new_key


def test_refused_webhook_comes_again_with_a_growing_pause(shop: Shop, webhooks: WebhookReceiver) -> None:
    reference = new_key()
    webhooks.answers[reference] = [503, 404]
    before = time.monotonic()
    payment = shop.pay(metadata={"reference": reference})
    told = webhooks.wait_for(payment["id"], 3)

    assert [webhook["event"] for webhook in told] == ["payment.succeeded"] * 3
    assert time.monotonic() - before >= 1.5


def test_webhook_waits_while_the_provider_is_away(shop: Shop, webhooks: WebhookReceiver, stand_ins: StandIns) -> None:
    payment = shop.pay("tok_answers_later_0.1")
    stand_ins.outage("payments", 1.0)
    away_until = time.monotonic() + 1.0

    webhooks.wait_for(payment["id"])
    assert time.monotonic() >= away_until - 0.1
