"""The YooKassa gateway against invalid, late and hostile responses: none counts as a success or a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.clock import new_id
from services.money import Money
from services.order_number import order_number
from services.payments.gateway import (
    GatewayRefused,
    GatewayUnavailable,
    GatewayUnknown,
    Outcome,
    PaymentLookup,
    RefundRequest,
)
from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.method_rules import any_amount_methods
from services.payments.yookassa.objects import payment_body
from tests.services.payments.conftest import PHONE, a_charge

REFERENCE = UUID(int=7)
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
ANYWHERE = PaymentLookup(REFERENCE, None, (), NOW, NOW + timedelta(seconds=5))
ORDER = RefundRequest("refund:1:1", "p-1", Money(100, "RUB"))

Handler = Callable[[httpx2.Request], httpx2.Response]


def a_payment(**changes: Any) -> dict[str, Any]:
    amount = {"value": "1299.00", "currency": "RUB"}
    usual = {"id": "p-1", "status": "succeeded", "amount": amount, "created_at": "2026-11-23T09:00:00.000Z"}
    return usual | {"metadata": {"reference": str(REFERENCE)}} | changes


def speaking(handler: Handler) -> YooKassa:
    return YooKassa("http://shop/v3", "1", "key", any_amount_methods(1, 1), transport=httpx2.MockTransport(handler))


def answering(status: int, body: object = None, headers: dict[str, str] | None = None) -> YooKassa:
    return speaking(lambda _: httpx2.Response(status, json=body, headers=headers))


def charge(gateway: YooKassa, within: float = 1) -> Any:
    return gateway.charge(REFERENCE, a_charge(), within=within)


def test_a_card_charge_sends_token_key_and_reference() -> None:
    seen: list[httpx2.Request] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=a_payment())

    order_id = new_id()
    made = speaking(handler).charge(REFERENCE, a_charge(order_id=order_id), within=1)
    assert made.outcome is Outcome.SUCCEEDED
    [request] = seen
    assert (request.method, str(request.url)) == ("POST", "http://shop/v3/payments")
    assert request.headers["idempotence-key"] == f"charge:{REFERENCE}"
    assert json.loads(request.content) == {
        "amount": {"value": "1299.00", "currency": "RUB"},
        "capture": True,
        "payment_token": "tok_succeeds",
        "confirmation": {"type": "redirect", "return_url": "http://127.0.0.1/orders"},
        "description": f"Marketplace, № {order_number(str(order_id))}",
        "metadata": {"reference": str(REFERENCE), "order": str(order_id)},
    }


def test_the_description_names_the_order_however_long_the_shop_is_called() -> None:
    order_id = new_id()
    description = payment_body(REFERENCE, a_charge(order_id=order_id), "S" * 200)["description"]
    assert isinstance(description, str)
    assert (len(description), description[-9:]) == (128, order_number(str(order_id)))


def test_a_phone_is_sent_as_digits() -> None:
    seen: list[bytes] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.content)
        return httpx2.Response(200, json=a_payment(status="pending"))

    speaking(handler).charge(REFERENCE, a_charge(phone=PHONE), within=1)
    assert json.loads(seen[0])["payment_method_data"] == {"type": "mobile_balance", "phone": PHONE[1:]}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        a_payment(status="haggling"),
        a_payment(id="../refunds"),
        a_payment(amount={"value": "1,299.00", "currency": "RUB"}),
        a_payment(metadata={"reference": str(new_id())}),
    ],
)
def test_F39_an_invalid_response_is_unknown(body: object) -> None:
    with pytest.raises(GatewayUnknown):
        charge(answering(200, body))


@pytest.mark.parametrize("status", [201, 302, 408, 409, 500, 502, 504])
def test_F36_other_statuses_than_200_are_unknown(status: int) -> None:
    with pytest.raises(GatewayUnknown):
        charge(answering(status, a_payment(), {"location": "http://elsewhere/v3/payments"}))


@pytest.mark.parametrize(("given", "seconds"), [("60", 60), ("100000", 3600), ("soon", 5), (None, 5)])
@pytest.mark.parametrize("status", [429, 503])
def test_F37_retry_after_of_a_busy_provider(status: int, given: str | None, seconds: float) -> None:
    with pytest.raises(GatewayUnavailable) as raised:
        charge(answering(status, {}, {"retry-after": given} if given else None))
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize("status", [401, 403])
def test_rejected_credentials_are_unavailable(status: int) -> None:
    with pytest.raises(GatewayUnavailable):
        charge(answering(status, {"code": "invalid_credentials"}))


def test_a_refusal_has_the_providers_code() -> None:
    with pytest.raises(GatewayRefused) as raised:
        charge(answering(400, {"type": "error", "code": "invalid_request", "parameter": "payment_token"}))
    assert raised.value.code == "invalid_request"


@pytest.mark.parametrize(
    ("parameter", "shop_fault"),
    [
        ("payment_token", False),
        ("payment_method_data.phone", False),
        ("payment_method_data.type", True),
        ("amount.value", True),
        ("receipt", True),
        (None, True),
        (17, True),
    ],
)
def test_T175_only_what_the_buyer_gave_is_the_buyers_fault(parameter: object, shop_fault: bool) -> None:
    with pytest.raises(GatewayRefused) as raised:
        charge(answering(400, {"type": "error", "code": "invalid_request", "parameter": parameter}))
    assert raised.value.shop_fault is shop_fault


@pytest.mark.parametrize("body", [{"code": "invalid_request", "parameter": "Idempotence-Key"}, {"oops": 1}])
def test_a_refusal_that_does_not_exclude_a_charge_is_unknown(body: object) -> None:
    with pytest.raises(GatewayUnknown):
        charge(answering(400, body))


def test_a_look_up_reads_all_pages_around_the_intent() -> None:
    queries: list[dict[str, str]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        queries.append(dict(request.url.params))
        if len(queries) < 3:
            foreign = a_payment(id="p-0", metadata={"reference": str(new_id())})
            return httpx2.Response(200, json={"items": [foreign], "next_cursor": f"c-{len(queries)}"})
        return httpx2.Response(200, json={"items": [a_payment(status="canceled"), a_payment(id="p-2")]})

    found = speaking(handler).look_up(ANYWHERE, within=1)
    assert found is not None
    assert (found.provider_id, found.outcome) == ("p-2", Outcome.SUCCEEDED)
    assert [query.get("cursor") for query in queries] == [None, "c-1", "c-2"]
    assert queries[0]["created_at.gte"] == "2026-11-23T08:58:00+00:00"
    assert queries[0]["created_at.lt"] == "2026-11-23T09:02:05+00:00"


def test_an_endless_list_is_unknown() -> None:
    pages = {"items": [], "next_cursor": "more"}
    with pytest.raises(GatewayUnknown):
        answering(200, pages).look_up(ANYWHERE, within=5)
    with pytest.raises(GatewayUnknown):
        answering(404).look_up(ANYWHERE, within=1)
    with pytest.raises(GatewayUnknown):
        answering(404).look_up(PaymentLookup(REFERENCE, "p-1", (), NOW, NOW), within=1)
    with pytest.raises(GatewayUnknown):
        answering(200, pages).look_up_refund(ORDER, None, within=5)


def test_a_payment_under_a_candidate_id_must_have_our_reference() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        foreign = a_payment(id="p-9", metadata={"reference": str(new_id())})
        return httpx2.Response(200, json=foreign if request.url.path.endswith("/p-9") else {"items": []})

    hinted = PaymentLookup(REFERENCE, None, ("p-9",), NOW, NOW)
    assert speaking(handler).look_up(hinted, within=1) is None
    with pytest.raises(GatewayUnknown):
        speaking(handler).look_up(PaymentLookup(REFERENCE, "p-9", (), NOW, NOW), within=1)


#: What other sites and newer versions of the API may send; each was valid JSON of somebody else's payment.
STRANGE: list[Any] = [
    a_payment(id="p-0", metadata=None),
    a_payment(id="p-0", metadata={"reference": 4711}),
    a_payment(id="p-0", metadata=["reference"]),
    a_payment(id="p-0", metadata={"reference": str(REFERENCE)[:-1]}, status="waiting_for_bank"),
    a_payment(id="p-0", metadata={}, confirmation={"type": "mobile_application", "confirmation_url": "bank100://pay"}),
    a_payment(id="p-0", metadata={}, status="canceled", cancellation_details={"party": "bank", "reason": None}),
    a_payment(id="p-0", metadata={}, amount=None),
    a_payment(id="p-0", metadata={}, created_at=None),
    a_payment(id=17, metadata={}),
    {},
    None,
    "p-0",
    17,
    ["p-0"],
]


@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_T171_an_object_of_somebody_else_does_not_hide_ours(strange: Any) -> None:
    gateway = answering(200, {"type": "list", "items": [strange, a_payment(), strange]})

    found = gateway.look_up(ANYWHERE, within=1)

    assert found is not None
    assert (found.provider_id, found.outcome, found.amount.minor) == ("p-1", Outcome.SUCCEEDED, 129_900)
    listed = list(gateway.list_payments(NOW, NOW, within=1))
    assert [each.provider_id for each in listed if each.provider_id != "p-0"] == ["p-1"]


@pytest.mark.parametrize("strange", [None, "r-0", {}, {"description": 17}, {"description": None, "status": "new"}])
def test_T171_a_refund_of_somebody_else_does_not_hide_ours(strange: Any) -> None:
    amount = {"value": "1.00", "currency": "RUB"}
    ours = {"id": "r-1", "payment_id": "p-1", "status": "succeeded", "amount": amount, "created_at": NOW.isoformat()}
    gateway = answering(200, {"items": [strange, ours | {"description": ORDER.key}, strange]})

    found = gateway.look_up_refund(ORDER, None, within=1)

    assert found is not None
    assert (found.provider_id, found.key) == ("r-1", ORDER.key)
    assert [each.provider_id for each in gateway.list_refunds_of("p-1", within=1)] == ["r-1"]


@pytest.mark.parametrize(
    ("changes", "outcome", "failure"),
    [
        ({"status": "canceled", "cancellation_details": {"party": "bank", "reason": None}}, Outcome.FAILED, "canceled"),
        ({"status": "canceled", "cancellation_details": {"reason": "r" * 80}}, Outcome.FAILED, "r" * 64),
        ({"status": "canceled", "cancellation_details": None}, Outcome.FAILED, "canceled"),
        ({"status": "pending", "confirmation": {"confirmation_url": "bank100://pay"}}, Outcome.PENDING, None),
        ({"status": "pending", "confirmation": {"confirmation_url": "javascript:alert(1)"}}, Outcome.PENDING, None),
        ({"status": "pending", "confirmation": None}, Outcome.PENDING, None),
        ({"refunded_amount": None, "transfers": [{"status": "new"}]}, Outcome.SUCCEEDED, None),
    ],
    ids=str,
)
def test_T172_of_our_payment_only_what_is_needed_is_read(
    changes: dict[str, Any], outcome: Outcome, failure: str | None
) -> None:
    made = charge(answering(200, a_payment(**changes)))
    assert (made.provider_id, made.outcome, made.failure_code) == ("p-1", outcome, failure)
    assert made.confirmation_url is None


def test_a_look_up_without_a_result() -> None:
    assert answering(200, {"items": []}).look_up(ANYWHERE, within=1) is None
    assert answering(200, {"items": []}).look_up_refund(ORDER, None, within=1) is None


@pytest.mark.parametrize(
    "changes", [{"payment_id": "p-2"}, {"amount": {"value": "1.01", "currency": "RUB"}}, {"amount": {}}]
)
def test_a_response_about_another_refund_is_unknown(changes: dict[str, Any]) -> None:
    amount = {"value": "1.00", "currency": "RUB"}
    refund = {"id": "r-1", "payment_id": "p-1", "status": "succeeded", "amount": amount, "created_at": NOW.isoformat()}
    refund |= changes
    with pytest.raises(GatewayUnknown):
        answering(200, refund).refund(ORDER, within=1)
    with pytest.raises(GatewayUnknown):
        answering(404, {}).refund(ORDER, within=1)
