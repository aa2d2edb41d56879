"""Behaviours of test phones: the same as those of the cards, but pending first."""

from typing import Any

import pytest

from sandbox.process import wait_until
from sandbox.standins.provider.test_cards import PHONES, Behaviour
from tests.sandbox.standins.clients import DROPPED, TIMEOUT, Json, Shop, WebhookReceiver, new_key, rub

NUMBERS: dict[Behaviour, str] = {behaviour: phone for phone, behaviour in PHONES.items()}
SUCCEEDED, OLDER = "payment.succeeded", "payment.waiting_for_capture"


def request(shop: Shop, behaviour: Behaviour, reference: str, key: str | None = None) -> Any:
    data = {"type": "mobile_balance", "phone": NUMBERS[behaviour]}
    return shop.post_payment(payment_token=None, payment_method_data=data, key=key, metadata={"reference": reference})


def charges(shop: Shop, reference: str, count: int = 1) -> list[Json]:
    """Wait for `count` captures; returns the ledger of the reference."""
    assert wait_until(lambda: sum(item["captures"] for item in shop.stand_ins.ledger(reference)) == count, TIMEOUT)
    return shop.stand_ins.ledger(reference)


@pytest.mark.parametrize(
    ("behaviour", "events"),
    [
        (Behaviour.SUCCEEDS, [SUCCEEDED]),
        (Behaviour.ANSWERS_LATER, [SUCCEEDED]),
        (Behaviour.CALLS_BACK_TWICE, [SUCCEEDED, SUCCEEDED]),
        (Behaviour.OUT_OF_ORDER, [SUCCEEDED, OLDER]),
        (Behaviour.WRONG_AMOUNT, [SUCCEEDED]),
        (Behaviour.IGNORES_KEYS, [SUCCEEDED]),
        (Behaviour.REFUND_FAILS_TWICE, [SUCCEEDED]),
        (Behaviour.REFUND_FAILS, [SUCCEEDED]),
        (Behaviour.DECLINES, ["payment.canceled"]),
    ],
)
def test_payment_is_pending_then_final_with_webhooks(
    shop: Shop, webhooks: WebhookReceiver, behaviour: Behaviour, events: list[str]
) -> None:
    payment = shop.pay_by_phone(NUMBERS[behaviour])

    assert payment["status"] == "pending"
    assert [webhook["event"] for webhook in webhooks.wait_for(payment["id"], len(events))] == events
    assert shop.payment(payment["id"])["amount"] == rub("101.00" if behaviour is Behaviour.WRONG_AMOUNT else "100.00")


def test_never_calls_back(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay_by_phone(NUMBERS[Behaviour.NEVER_CALLS_BACK])
    shop.wait_until_final(payment["id"])
    webhooks.wait_for(shop.pay_by_phone(NUMBERS[Behaviour.SUCCEEDS])["id"])

    assert webhooks.events_of(payment["id"]) == []


def test_times_out_charged(shop: Shop, webhooks: WebhookReceiver) -> None:
    reference, key = new_key(), new_key()
    with pytest.raises(DROPPED):
        request(shop, Behaviour.TIMES_OUT_CHARGED, reference, key)
    (charge,) = charges(shop, reference)

    assert webhooks.events_of(charge["paymentId"]) == []
    assert request(shop, Behaviour.TIMES_OUT_CHARGED, reference, key).json()["id"] == charge["paymentId"]
    assert [webhook["event"] for webhook in webhooks.wait_for(charge["paymentId"])] == [SUCCEEDED]


def test_times_out_not_charged(shop: Shop) -> None:
    reference, key = new_key(), new_key()
    with pytest.raises(DROPPED):
        request(shop, Behaviour.TIMES_OUT_NOT_CHARGED, reference, key)
    assert shop.stand_ins.ledger(reference) == []

    assert request(shop, Behaviour.TIMES_OUT_NOT_CHARGED, reference, key).json()["status"] == "pending"
    assert len(charges(shop, reference)) == 1


def test_error_after_charge(shop: Shop) -> None:
    reference, key = new_key(), new_key()
    answer = request(shop, Behaviour.ERROR_AFTER_CHARGE, reference, key)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_server_error")
    (charge,) = charges(shop, reference)
    assert request(shop, Behaviour.ERROR_AFTER_CHARGE, reference, key).json()["id"] == charge["paymentId"]


def test_ignores_keys(shop: Shop) -> None:
    reference, key = new_key(), new_key()
    ids = {request(shop, Behaviour.IGNORES_KEYS, reference, key).json()["id"] for _ in range(2)}

    assert len(ids) == 2
    assert {item["paymentId"] for item in charges(shop, reference, 2)} == ids
