"""The provider's own SDK works with the stand-in."""

import datetime
from collections.abc import Iterator
from typing import Any

import pytest
from yookassa import Configuration, Payment, Refund
from yookassa.domain.exceptions import ApiError, BadRequestError, NotFoundError, UnauthorizedError
from yookassa.domain.exceptions.too_many_request_error import TooManyRequestsError
from yookassa.domain.notification import WebhookNotification

from sandbox.standins.running import StandIns
from tests.sandbox.standins.clients import Json, Shop, WebhookReceiver, new_key, rub

BACK = "http://127.0.0.1:1/back"


@pytest.fixture(autouse=True)
def configured(stand_ins: StandIns, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    Configuration.configure(*stand_ins.shop, api_url=f"{stand_ins.url}/v3")
    yield
    Configuration.configure(None, None)


def an_order(card: str | None = "tok_succeeds", **other: Any) -> Json:
    usual = {"amount": rub("100.00"), "capture": True, "payment_token": card, "metadata": {"reference": new_key()}}
    return {name: value for name, value in (usual | other).items() if value is not None}


def in_roubles(money: Any) -> tuple[str, str]:
    return f"{money.value:.2f}", money.currency


def test_card_by_token() -> None:
    order = an_order(description="Order 72")
    paid = Payment.create(order, new_key())

    assert (paid.status, paid.paid, paid.refundable, paid.test) == ("succeeded", True, True, True)
    assert (in_roubles(paid.amount), paid.description) == (("100.00", "RUB"), "Order 72")
    assert paid.metadata["reference"] == order["metadata"]["reference"]
    assert (paid.payment_method.type, paid.payment_method.saved) == ("bank_card", False)
    assert dict(Payment.find_one(paid.id)) == dict(paid)


def test_phone_balance_is_pending_then_succeeds(shop: Shop) -> None:
    data = {"type": "mobile_balance", "phone": "79000000001"}
    asked = Payment.create(an_order(None, payment_method_data=data, confirmation={"type": "external"}))

    assert (asked.status, asked.confirmation.type, asked.payment_method.type) == (
        "pending",
        "external",
        "mobile_balance",
    )
    shop.wait_until_final(asked.id)
    assert Payment.find_one(asked.id).status == "succeeded"


def test_confirmation_redirects_the_buyer_to_a_page(stand_ins: StandIns) -> None:
    where = {"type": "redirect", "return_url": BACK}
    asked = Payment.create(an_order("tok_confirms_on_page", confirmation=where))

    assert (asked.status, asked.confirmation.type, asked.confirmation.return_url) == ("pending", "redirect", BACK)
    stand_ins.client.post(asked.confirmation.confirmation_url, data={"decision": "decline"})
    ended = Payment.find_one(asked.id)
    assert (ended.status, ended.cancellation_details.party) == ("canceled", "payment_network")
    assert ended.cancellation_details.reason == "3d_secure_failed"


def test_same_key_returns_the_same_payment_and_refund() -> None:
    order, key = an_order(), new_key()
    paid, again = (Payment.create(order, key) for _ in range(2))
    assert again.id == paid.id

    refund = {"payment_id": paid.id, "amount": rub("40.00")}
    first, second = (Refund.create(refund, key) for _ in range(2))
    assert first.id == second.id
    assert in_roubles(Payment.find_one(paid.id).refunded_amount) == ("40.00", "RUB")


def test_list_by_time_of_creation_page_by_page() -> None:
    since = (datetime.datetime.now(datetime.UTC)).isoformat(timespec="milliseconds")
    created = [Payment.create(an_order()).id for _ in range(3)]
    first = Payment.list({"created_at.gte": since, "limit": 2})
    second = Payment.list({"created_at.gte": since, "limit": 2, "cursor": first.next_cursor})

    ids = [payment.id for page in (first, second) for payment in page.items]
    assert [payment_id for payment_id in ids if payment_id in created] == created[::-1]
    assert Payment.list({"created_at.lt": "2020-01-01T00:00:00Z"}).items == []


def test_partial_refund_and_refund_of_the_rest() -> None:
    paid = Payment.create(an_order())
    part = Refund.create({"payment_id": paid.id, "amount": rub("30.00"), "description": "a part"})
    rest = Refund.create({"payment_id": paid.id, "amount": rub("70.00")})

    assert (part.status, in_roubles(part.amount), part.payment_id) == ("succeeded", ("30.00", "RUB"), paid.id)
    assert Refund.find_one(part.id).description == "a part"
    assert [refund.id for refund in Refund.list({"payment_id": paid.id}).items] == [rest.id, part.id]
    after = Payment.find_one(paid.id)
    assert (in_roubles(after.refunded_amount), after.refundable) == (("100.00", "RUB"), False)


def test_failed_refund_has_a_reason() -> None:
    refund = Refund.create({"payment_id": Payment.create(an_order("tok_refund_fails")).id, "amount": rub("100.00")})

    assert (refund.status, refund.cancellation_details.reason) == ("canceled", "general_decline")


def test_capture_and_cancel_are_refused() -> None:
    pending = Payment.create(an_order("tok_answers_later_600")).id

    for act in (Payment.capture, Payment.cancel):
        with pytest.raises(BadRequestError) as refused:
            act(pending)
        assert problem(refused.value) == ("error", "invalid_request", "payment_id")
        with pytest.raises(NotFoundError):
            act("none")
    assert Payment.find_one(pending).status == "pending"


def test_unknown_payment_and_refund_are_not_found() -> None:
    for kind, name in ((Payment, "payment_id"), (Refund, "refund_id")):
        with pytest.raises(NotFoundError) as refused:
            kind.find_one("none")
        assert problem(refused.value) == ("error", "not_found", name)


def test_errors_name_the_parameter() -> None:
    paid = Payment.create(an_order()).id
    with pytest.raises(BadRequestError) as token:
        Payment.create({"amount": rub("1.00"), "capture": True})
    with pytest.raises(BadRequestError) as too_much:
        Refund.create({"payment_id": paid, "amount": rub("100.01")})
    with pytest.raises(BadRequestError) as key:
        Payment.create(an_order(), "k" * 65)

    parameters = [problem(refused.value)[2] for refused in (token, too_much, key)]
    assert parameters == ["payment_method_data", "amount.value", "Idempotence-Key"]


def test_wrong_secret_key_is_unauthorized(stand_ins: StandIns) -> None:
    Configuration.configure(stand_ins.shop[0], "wrong", api_url=f"{stand_ins.url}/v3")
    with pytest.raises(UnauthorizedError) as refused:
        Payment.create(an_order())

    assert problem(refused.value) == ("error", "invalid_credentials", "Authorization")


@pytest.mark.parametrize(("status", "kind"), [(429, TooManyRequestsError), (503, ApiError)])
def test_F37_unavailable_provider_raises_the_error_of_the_sdk(
    stand_ins: StandIns, status: int, kind: type[ApiError]
) -> None:
    stand_ins.outage("payments", 60, status)
    try:
        with pytest.raises(kind):
            Payment.create(an_order())
    finally:
        stand_ins.outage("payments", 0)


def test_webhook_parses_as_notification(webhooks: WebhookReceiver) -> None:
    paid = Payment.create(an_order())
    notified = WebhookNotification(webhooks.wait_for(paid.id)[0])

    assert (notified.event, notified.object.id, notified.object.status) == ("payment.succeeded", paid.id, "succeeded")


def problem(error: ApiError) -> tuple[str, str, str]:
    """Type, code and parameter of an error of the SDK."""
    content = error.content
    return content["type"], content["code"], content["parameter"]
