"""Behaviours of test cards: response, ledger and webhooks."""

import httpx2
import pytest

from tests.sandbox.standins.clients import DROPPED, Shop, WebhookReceiver, new_key, rub

INSUFFICIENT = {"party": "payment_network", "reason": "insufficient_funds"}
EXPIRED = {"party": "yoo_money", "reason": "expired_on_confirmation"}


def test_declines(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay("tok_declines")

    assert (payment["status"], payment["paid"], payment["cancellation_details"]) == ("canceled", False, INSUFFICIENT)
    assert [webhook["event"] for webhook in webhooks.wait_for(payment["id"])] == ["payment.canceled"]


def test_answers_later(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay("tok_answers_later")
    received = webhooks.wait_for(payment["id"])

    assert payment["status"] == "pending"
    assert [(webhook["type"], webhook["event"]) for webhook in received] == [("notification", "payment.succeeded")]
    assert received[0]["object"] == shop.payment(payment["id"])


def test_answers_later_after_the_seconds_in_the_token(shop: Shop) -> None:
    slow, fast = shop.pay("tok_answers_later_600"), shop.pay("tok_answers_later_0.1")

    assert shop.wait_until_final(fast["id"])["status"] == "succeeded"
    assert shop.payment(slow["id"])["status"] == "pending"


def test_never_calls_back(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay("tok_never_calls_back")
    later = shop.pay("tok_answers_later_0.8")

    assert shop.wait_until_final(payment["id"])["status"] == "succeeded"
    webhooks.wait_for(later["id"])
    assert webhooks.events_of(payment["id"]) == []


def test_calls_back_twice(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay("tok_calls_back_twice")
    first, second = webhooks.wait_for(payment["id"], 2)

    assert first == second


def test_out_of_order_sends_the_webhook_before_the_response_and_an_older_one_after_it(
    shop: Shop, webhooks: WebhookReceiver
) -> None:
    payment = shop.pay("tok_out_of_order")

    assert webhooks.events_of(payment["id"]) == ["payment.succeeded"]
    assert payment["status"] == "pending"
    assert webhooks.wait_for(payment["id"], 2)[1]["event"] == "payment.waiting_for_capture"
    assert shop.payment(payment["id"])["status"] == "succeeded"


def test_wrong_amount(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay("tok_wrong_amount")
    changed = webhooks.wait_for(payment["id"])[0]["object"]

    assert (payment["amount"], changed["amount"]) == (rub("100.00"), rub("101.00"))
    assert shop.payment(payment["id"])["amount"] == rub("101.00")


def test_times_out_charged(shop: Shop, webhooks: WebhookReceiver) -> None:
    reference, key = new_key(), new_key()
    with pytest.raises(DROPPED):
        shop.post_payment("tok_times_out_charged", key, metadata={"reference": reference})
    (charged,) = shop.stand_ins.ledger(reference)

    assert charged["status"] == "succeeded"
    assert webhooks.events_of(charged["paymentId"]) == []
    assert shop.pay("tok_times_out_charged", key=key, metadata={"reference": reference})["id"] == charged["paymentId"]
    assert webhooks.wait_for(charged["paymentId"])[0]["event"] == "payment.succeeded"


def test_times_out_not_charged(shop: Shop) -> None:
    reference = new_key()
    with pytest.raises(DROPPED):
        shop.post_payment("tok_times_out_not_charged", metadata={"reference": reference})

    assert shop.stand_ins.ledger(reference) == []
    assert shop.pay("tok_times_out_not_charged", metadata={"reference": reference})["status"] == "succeeded"


def test_error_after_charge(shop: Shop) -> None:
    reference, key = new_key(), new_key()
    answer = shop.post_payment("tok_error_after_charge", key, metadata={"reference": reference})
    (charged,) = shop.stand_ins.ledger(reference)

    assert (answer.status_code, answer.json()["code"]) == (500, "internal_server_error")
    assert shop.pay("tok_error_after_charge", key=key, metadata={"reference": reference})["id"] == charged["paymentId"]


def test_ignores_keys(shop: Shop) -> None:
    reference, key = new_key(), new_key()
    ids = {shop.pay("tok_ignores_keys", key=key, metadata={"reference": reference})["id"] for _ in range(2)}

    assert {item["paymentId"] for item in shop.stand_ins.ledger(reference) if item["captures"]} == ids
    assert len(ids) == 2


def test_response_is_delayed_by_the_seconds_in_the_token_but_the_charge_is_not(shop: Shop) -> None:
    reference = new_key()
    with pytest.raises(httpx2.ReadTimeout):
        shop.client.post(
            "/payments",
            json={
                "amount": rub("1.00"),
                "capture": True,
                "payment_token": "tok_succeeds_60",
                "metadata": {"reference": reference},
            },
            headers={"Idempotence-Key": new_key()},
            timeout=0.3,
        )

    assert [item["status"] for item in shop.stand_ins.ledger(reference)] == ["succeeded"]


@pytest.mark.parametrize(("decision", "status"), [("approve", "succeeded"), ("decline", "canceled")])
def test_confirms_on_page(shop: Shop, webhooks: WebhookReceiver, decision: str, status: str) -> None:
    where = {"type": "redirect", "return_url": "http://127.0.0.1:1/back"}
    payment = shop.pay("tok_confirms_on_page", confirmation=where)
    page = payment["confirmation"]["confirmation_url"]

    assert payment["status"] == "pending"
    assert "Do you confirm this payment?" in shop.stand_ins.client.get(page).text
    answer = shop.stand_ins.client.post(page, data={"decision": decision})
    assert (answer.status_code, answer.headers["location"]) == (303, "http://127.0.0.1:1/back")
    assert shop.payment(payment["id"])["status"] == status
    assert webhooks.wait_for(payment["id"])[0]["event"] == f"payment.{status}"
    assert "confirmation" not in shop.payment(payment["id"])


def test_payment_without_confirmation_expires(shop: Shop) -> None:
    payment = shop.pay("tok_confirms_on_page")

    assert shop.wait_until_final(payment["id"])["cancellation_details"] == EXPIRED


def test_phone_is_pending_first_and_then_succeeds(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay_by_phone("79000000001")

    assert (payment["status"], payment["confirmation"]) == ("pending", {"type": "external"})
    assert payment["payment_method"]["type"] == "mobile_balance"
    assert webhooks.wait_for(payment["id"])[0]["event"] == "payment.succeeded"


def test_phone_that_declines_is_pending_then_canceled(shop: Shop) -> None:
    payment = shop.pay_by_phone("+79000000002")

    assert payment["status"] == "pending"
    assert shop.wait_until_final(payment["id"])["cancellation_details"] == INSUFFICIENT
