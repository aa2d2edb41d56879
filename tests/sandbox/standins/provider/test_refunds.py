"""Refunds: amount limits, idempotence, and test cards with failing refunds."""

import pytest

from tests.sandbox.standins.clients import Shop, WebhookReceiver, body_of, new_key, refusal, rub


def test_partial_refunds_up_to_the_full_amount(shop: Shop, webhooks: WebhookReceiver) -> None:
    payment = shop.pay()
    parts = [body_of(shop.post_refund(payment["id"], value)) for value in ("30.00", "70.00")]
    after = shop.payment(payment["id"])

    assert [(part["status"], part["amount"]) for part in parts] == [
        ("succeeded", rub("30.00")),
        ("succeeded", rub("70.00")),
    ]
    assert (after["refunded_amount"], after["refundable"]) == (rub("100.00"), False)
    assert webhooks.wait_for(parts[0]["id"])[0]["event"] == "refund.succeeded"
    assert refusal(shop.post_refund(payment["id"], "0.01"), 400) == ("invalid_request", "amount.value")


def test_same_key_refunds_once(shop: Shop) -> None:
    payment, key = shop.pay(), new_key()
    first, second = (body_of(shop.post_refund(payment["id"], "60.00", key)) for _ in range(2))

    assert first == second
    assert shop.payment(payment["id"])["refunded_amount"] == rub("60.00")
    assert refusal(shop.post_refund(payment["id"], "40.00", key), 400) == ("invalid_request", "Idempotence-Key")


def test_refunds_of_one_payment_are_listed(shop: Shop) -> None:
    payment = shop.pay()
    shop.pay()
    refund = body_of(shop.post_refund(payment["id"]))

    assert body_of(shop.client.get("/refunds", params={"payment_id": payment["id"]}))["items"] == [refund]
    assert body_of(shop.client.get(f"/refunds/{refund['id']}")) == refund


@pytest.mark.parametrize("token", ["tok_declines", "tok_answers_later_600"])
def test_payment_without_capture_cannot_be_refunded(shop: Shop, token: str) -> None:
    assert refusal(shop.post_refund(shop.pay(token)["id"]), 400) == ("invalid_request", "payment_id")


def test_unknown_payment_cannot_be_refunded(shop: Shop) -> None:
    assert refusal(shop.post_refund("none"), 400) == ("invalid_request", "payment_id")


def test_refund_in_another_currency_is_refused(shop: Shop) -> None:
    body = {"payment_id": shop.pay()["id"], "amount": {"value": "1.00", "currency": "USD"}}
    answer = shop.client.post("/refunds", json=body, headers={"Idempotence-Key": new_key()})

    assert refusal(answer, 400) == ("invalid_request", "amount.currency")


def test_payment_by_phone_can_only_be_refunded_in_full(shop: Shop) -> None:
    payment = shop.wait_until_final(shop.pay_by_phone("+79000000001")["id"])

    assert refusal(shop.post_refund(payment["id"], "99.99"), 400) == ("invalid_request", "amount.value")
    assert body_of(shop.post_refund(payment["id"], "100.00"))["status"] == "succeeded"


def test_refund_fails_twice_then_succeeds_with_the_same_key(shop: Shop) -> None:
    payment, key = shop.pay("tok_refund_fails_twice"), new_key()
    answers = [shop.post_refund(payment["id"], key=key) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [500, 500, 200]
    assert shop.payment(payment["id"])["refunded_amount"] == rub("100.00")


def test_refund_with_lost_response_is_created_once(shop: Shop) -> None:
    reference, key = new_key(), new_key()
    shop.post_payment("tok_error_after_charge", metadata={"reference": reference})
    (charged,) = shop.stand_ins.ledger(reference)
    answers = [shop.post_refund(charged["paymentId"], key=key) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [500, 200]
    assert len(shop.stand_ins.ledger(reference)[0]["refunds"]) == 1


def test_failed_refund_is_canceled_and_returns_no_money(shop: Shop) -> None:
    payment = shop.pay("tok_refund_fails")
    refund = body_of(shop.post_refund(payment["id"]))

    assert (refund["status"], refund["cancellation_details"]["party"]) == ("canceled", "yoo_money")
    assert shop.payment(payment["id"])["refunded_amount"] == rub("0.00")


def test_token_with_500_fails_every_refund_request(shop: Shop) -> None:
    payment = shop.pay("tok_refund_fails_500")

    assert {shop.post_refund(payment["id"]).status_code for _ in range(3)} == {500}


@pytest.mark.parametrize("token", ["tok_refund_fails_0.3", "tok_refund_fails_twice_0.3"])
def test_card_with_failing_refunds_can_be_charged_with_a_delay(shop: Shop, token: str) -> None:
    payment = shop.pay(token)

    assert payment["status"] == "pending"
    assert shop.wait_until_final(payment["id"])["status"] == "succeeded"
    assert refund_outcome(shop, payment["id"]) == ("canceled" if token == "tok_refund_fails_0.3" else 500)


@pytest.mark.parametrize(
    ("phone", "answers"), [("+79000000012", [500, 500, "succeeded"]), ("+79000000013", ["canceled"])]
)
def test_refunds_to_a_phone_fail_like_those_to_a_card(shop: Shop, phone: str, answers: list[int | str]) -> None:
    payment = shop.wait_until_final(shop.pay_by_phone(phone)["id"])

    assert [refund_outcome(shop, payment["id"]) for _ in answers] == answers


def refund_outcome(shop: Shop, payment_id: str) -> int | str:
    """The status of the refund, or the HTTP status of an error."""
    answer = shop.post_refund(payment_id)
    return str(answer.json()["status"]) if answer.status_code == 200 else answer.status_code
