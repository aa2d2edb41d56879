"""YooKassa's API v3: authentication, idempotence, payment objects and lists."""

import re

import pytest

from tests.sandbox.standins.clients import Shop, body_of, new_key, refusal, rub


def test_payment_object_has_the_members_of_the_real_api(shop: Shop) -> None:
    payment = shop.pay(description="Order 72", metadata={"reference": "r-1"})

    assert re.fullmatch(r"[0-9a-f-]{36}", payment["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", payment["created_at"])
    assert payment["payment_method"] == {"type": "bank_card", "id": payment["id"], "saved": False}
    shown = ("status", "paid", "amount", "refundable", "refunded_amount", "test", "description", "metadata")
    assert [payment[name] for name in shown] == [
        "succeeded", True, rub("100.00"), True, rub("0.00"), True, "Order 72", {"reference": "r-1"},
    ]  # fmt: skip
    assert shop.payment(payment["id"]) == payment


def test_same_key_returns_the_same_payment_and_charges_once(shop: Shop) -> None:
    key, reference = new_key(), new_key()
    first, second = (shop.pay(key=key, metadata={"reference": reference}) for _ in range(2))

    assert first == second
    assert [item["paymentId"] for item in shop.stand_ins.ledger(reference)] == [first["id"]]


def test_same_key_with_another_body_is_refused(shop: Shop) -> None:
    key = new_key()
    shop.pay(key=key)

    assert refusal(shop.post_payment(key=key, amount=rub("100.01")), 400) == ("invalid_request", "Idempotence-Key")


def test_key_is_required_and_at_most_64_characters(shop: Shop) -> None:
    body = {"amount": rub("1.00"), "capture": True, "payment_token": "tok_succeeds"}

    assert refusal(shop.client.post("/payments", json=body), 400) == ("invalid_request", "Idempotence-Key")
    assert refusal(shop.post_payment(key="k" * 65), 400) == ("invalid_request", "Idempotence-Key")


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff"])
def test_body_that_is_not_a_json_object_is_refused(shop: Shop, content: bytes) -> None:
    headers = {"Idempotence-Key": new_key(), "Content-Type": "application/json"}

    assert refusal(shop.client.post("/payments", content=content, headers=headers), 400) == ("invalid_request", "body")


def test_form_body_is_refused(shop: Shop) -> None:
    assert shop.client.post("/payments", data={"a": "b"}).status_code == 415


def test_wrong_secret_is_refused_by_every_operation(shop: Shop) -> None:
    for method, path in (("POST", "/payments"), ("GET", "/payments"), ("GET", "/payments/x"), ("POST", "/refunds")):
        answer = shop.client.request(method, path, auth=("100500", "wrong"))
        assert refusal(answer, 401) == ("invalid_credentials", "Authorization")


def test_unknown_payment_and_refund_are_404(shop: Shop) -> None:
    assert refusal(shop.client.get("/payments/none"), 404) == ("not_found", "payment_id")
    assert refusal(shop.client.get("/refunds/none"), 404) == ("not_found", "refund_id")


def test_list_is_paged_newest_first(shop: Shop) -> None:
    ids = [shop.pay()["id"] for _ in range(3)]
    first = body_of(shop.client.get("/payments", params={"limit": 2}))
    second = body_of(shop.client.get("/payments", params={"limit": 1, "cursor": first["next_cursor"]}))

    assert [item["id"] for page in (first, second) for item in page["items"]] == ids[::-1]
    assert first["type"] == "list"


def test_list_by_time_of_creation(shop: Shop) -> None:
    payment = shop.pay()
    since = {"created_at.gte": payment["created_at"]}
    later = {"created_at.gt": payment["created_at"]}

    assert payment["id"] in [item["id"] for item in body_of(shop.client.get("/payments", params=since))["items"]]
    assert payment["id"] not in [item["id"] for item in body_of(shop.client.get("/payments", params=later))["items"]]
    assert "next_cursor" not in body_of(shop.client.get("/payments", params=since))
