"""Signed webhooks: contents, signatures of Standard Webhooks, and when they are sent."""

from collections.abc import Iterator

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from sandbox.standins.running import StandIns, running_stand_ins
from tests.sandbox.standins.clients import Shop, Signed, WebhookReceiver, body_of, new_key
from tests.sandbox.standins.conftest import SECRETS


@pytest.fixture(autouse=True)
def signed_webhooks(stand_ins: StandIns) -> Iterator[None]:
    stand_ins.set_webhook_faults(generic=True)
    yield
    stand_ins.clear_webhook_faults()


def statuses(messages: list[Signed]) -> list[str]:
    return [message.body["status"] for message in messages]


@pytest.mark.parametrize("secret", SECRETS, ids=["current", "next"])
def test_T95_signature_is_valid_for_each_of_the_secrets(shop: Shop, webhooks: WebhookReceiver, secret: str) -> None:
    reference = new_key()
    shop.pay(metadata={"reference": reference})
    (message,) = webhooks.signed_for(reference)

    assert Webhook(secret).verify(message.raw, message.headers) == {
        "paymentId": reference,
        "status": "succeeded",
        "amount": "100.00",
        "currency": "RUB",
    }
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(message.raw.replace(b"100.00", b"100.01"), message.headers)


def test_declined_payment_has_a_failure_code(shop: Shop, webhooks: WebhookReceiver) -> None:
    reference = new_key()
    shop.pay("tok_declines", metadata={"reference": reference})
    (message,) = webhooks.signed_for(reference)

    assert message.body == {
        "paymentId": reference,
        "status": "failed",
        "amount": "100.00",
        "currency": "RUB",
        "failureCode": "insufficient_funds",
        "failureMessage": "The payment did not succeed.",
    }


def test_statuses_are_pending_succeeded_and_refunded_after_a_full_refund(shop: Shop, webhooks: WebhookReceiver) -> None:
    reference = new_key()
    payment = shop.pay("tok_answers_later", metadata={"reference": reference})
    shop.wait_until_final(payment["id"])
    for part in ("40.00", "60.00"):
        body_of(shop.post_refund(payment["id"], part))
    messages = webhooks.signed_for(reference, 3)

    assert statuses(messages) == ["pending", "succeeded", "refunded"]
    assert {message.body["amount"] for message in messages} == {"100.00"}
    assert len({message.headers["webhook-id"] for message in messages}) == 3


def test_refused_webhook_is_retried_with_the_same_id(shop: Shop, webhooks: WebhookReceiver) -> None:
    reference = new_key()
    webhooks.responses[reference] = [404, 500, 500]
    shop.pay(metadata={"reference": reference})
    first, again = webhooks.signed_for(reference, 2)[:2]

    assert again.headers["webhook-id"] == first.headers["webhook-id"]
    assert again.raw == first.raw


def test_signed_webhooks_are_sent_only_on_request(stand_ins: StandIns, shop: Shop, webhooks: WebhookReceiver) -> None:
    stand_ins.clear_webhook_faults()
    payment = shop.pay(metadata={"reference": (reference := new_key())})
    webhooks.wait_for(payment["id"])
    stand_ins.set_webhook_faults(generic=True, script="tok_signed")
    shop.pay("tok_signed", metadata={"reference": (other := new_key())})
    webhooks.signed_for(other)

    assert webhooks.signed_for(reference, 0) == []


def test_payment_without_our_reference_has_native_webhooks_only(shop: Shop, webhooks: WebhookReceiver) -> None:
    before = len(webhooks.signed)
    webhooks.wait_for(shop.pay(metadata={})["id"])
    shop.pay(metadata={"reference": (reference := new_key())})
    webhooks.signed_for(reference)

    assert len(webhooks.signed) == before + 1


def test_signed_webhooks_cannot_be_requested_without_a_secret() -> None:
    with running_stand_ins(NOTIFY_URL="http://127.0.0.1:1/payments/{paymentId}/notify") as stand_ins:
        answer = stand_ins.client.post(f"{stand_ins.url}/webhooks", json={"generic": True})
        assert answer.status_code == 400
