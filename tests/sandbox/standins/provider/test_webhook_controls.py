"""Webhook faults: lost, duplicated, delayed and reordered webhooks, for a payment, a card, or all."""

import time
from collections.abc import Iterator

import pytest

from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import Shop, WebhookReceiver, body_of, new_key

CARD = "tok_of_these_tests"


@pytest.fixture(autouse=True)
def cleared(stand_ins: StandIns) -> Iterator[None]:
    yield
    stand_ins.clear_webhook_faults()


def test_F45_lost_webhook_of_one_payment(stand_ins: StandIns, shop: Shop, webhooks: WebhookReceiver) -> None:
    stand_ins.set_webhook_faults(reference=(reference := new_key()), lose=True)
    lost, other = shop.pay(metadata={"reference": reference}), shop.pay()

    assert webhooks.wait_for(other["id"])
    assert webhooks.events_of(lost["id"]) == []


def test_F43_duplicated_webhooks_have_the_same_id(stand_ins: StandIns, shop: Shop, webhooks: WebhookReceiver) -> None:
    stand_ins.set_webhook_faults(script=CARD, duplicate=2, generic=True)
    payment = shop.pay(CARD, metadata={"reference": (reference := new_key())})

    assert len({str(webhook) for webhook in webhooks.wait_for(payment["id"], 3)}) == 1
    assert len({message.headers["webhook-id"] for message in webhooks.signed_for(reference, 3)}) == 1


def test_delayed_webhook(stand_ins: StandIns, shop: Shop, webhooks: WebhookReceiver) -> None:
    stand_ins.set_webhook_faults(delay=0.6)
    before = time.monotonic()
    webhooks.wait_for(shop.pay()["id"])

    assert time.monotonic() - before >= 0.6


def test_F44_reordered_webhooks(stand_ins: StandIns, shop: Shop, webhooks: WebhookReceiver) -> None:
    stand_ins.set_webhook_faults(script=CARD, reorder=True, generic=True)
    payment = shop.pay(CARD, metadata={"reference": (reference := new_key())})
    body_of(shop.post_refund(payment["id"]))

    messages = webhooks.signed_for(reference, 2)
    assert [message.body["status"] for message in messages] == ["refunded", "succeeded"]


def test_rules_are_listed_and_cleared(stand_ins: StandIns) -> None:
    stand_ins.set_webhook_faults(script=CARD, lose=True)
    default = {"reference": None, "script": None, "generic": False, "lose": False, "duplicate": 0, "delay": 0.0}

    assert _rules(stand_ins) == [
        default | {"reorder": False},
        default | {"reorder": False, "script": CARD, "lose": True},
    ]
    stand_ins.clear_webhook_faults()
    assert len(_rules(stand_ins)) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"los": true}',
        b'{"lose": 1}',
        b'{"delay": -1}',
        b'{"duplicate": true}',
        b'{"duplicate": 101}',
        b'{"script": 7}',
        b'{"script": "a", "reference": "b"}',
    ],
)
def test_invalid_rule_is_refused(stand_ins: StandIns, body: bytes) -> None:
    answer = stand_ins.client.post(f"{stand_ins.url}/webhooks", content=body)

    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


def _rules(stand_ins: StandIns) -> list[dict[str, object]]:
    items: list[dict[str, object]] = stand_ins.client.get(f"{stand_ins.url}/webhooks").json()["items"]
    return items
