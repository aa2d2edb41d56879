"""Getting and listing orders: buyers see their own only, and cursors cannot be forged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.bootstrap import Services
from services.orders.status import CancelReason
from services.orders.views import Product
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, a_product, confirm, pay, placed, reserve, undo
from tests.builders import an_order

MINE = f"{ORDERS}/me"

ANY_ID = UUID("0195a4f2-6b1e-7c3d-8e4f-5a6b7c8d9e0f")


def many(services: Services, buyer: Person, count: int) -> list[str]:
    """Ids of so many cancelled orders, newest first; past the limit of open ones."""
    view = services.catalog.get(a_product(services))
    product = Product(view.id, view.name, view.price, True)
    made = []
    for _ in range(count):
        order_id = services.orders.place(an_order(product, buyer_id=buyer.id, card=None)).order.id
        undo(services, order_id)
        made.append(str(order_id))
    return made[::-1]


async def test_an_order(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")

    body = (await api.get(f"{ORDERS}/{order_id}", headers=buyer.headers)).json()

    assert body.keys() == {
        *("id", "number", "status", "totalAmount", "currency", "items", "country", "region", "city", "street"),
        *("postalCode", "createdAt", "updatedAt", "payment", "payments", "refund", "refunds", "refundedAmount"),
        *("payBefore", "cancelReason"),
    }
    assert {name: body[name] for name in ADDRESS} == ADDRESS
    assert (body["payment"], body["payments"], body["refund"], body["cancelReason"]) == (None, [], None, None)
    assert "tok_succeeds" not in str(body)


async def test_an_operator_also_sees_the_buyer_and_what_needs_attention(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    quiet = (await api.get(f"{ORDERS}/{order_id}", headers=operator.headers)).json()
    assert (quiet["buyerId"], quiet["needsAttention"], quiet["attention"]) == (str(buyer.id), False, [])

    services.order_transitions.raise_attention(order_id, "refund_payment", "insufficient_funds")
    stuck = (await api.get(f"{ORDERS}/{order_id}", headers=operator.headers)).json()

    (attention,) = stuck["attention"]
    assert (attention["reason"], attention["detail"]) == ("refund_payment", "insufficient_funds")
    assert attention["since"] >= quiet["createdAt"]
    seen_by_buyer = (await api.get(f"{ORDERS}/{order_id}", headers=buyer.headers)).json()
    assert not {"buyerId", "contact", "needsAttention", "attention"} & seen_by_buyer.keys()
    events = [(await api.get(f"{ORDERS}/{order_id}/events", headers=who.headers)).json() for who in (operator, buyer)]
    assert [[event["type"] for event in page["items"]] for page in events] == [
        ["created", "attention_raised"],
        ["created"],
    ]


async def test_its_payment_and_refund(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    payment = pay(services, order_id)
    paid = (await api.get(f"{ORDERS}/{order_id}", headers=buyer.headers)).json()
    undo(services, order_id, CancelReason.OPERATOR_REQUEST)
    refunded = (await api.get(f"{ORDERS}/{order_id}", headers=buyer.headers)).json()

    assert paid["payment"] == {
        "paymentId": str(payment.id), "status": "succeeded", "method": "card", "confirmationUrl": None
    }  # fmt: skip
    assert (paid["refund"], paid["refunds"], paid["refundedAmount"]) == (None, [], "0.00")
    assert refunded["payment"]["status"] == "refunded"
    assert (refunded["refund"]["status"], refunded["refund"]["amount"]) == ("succeeded", "1299.00")
    assert (refunded["status"], refunded["cancelReason"]) == ("cancelled", "operator_request")


@pytest.mark.parametrize("methods", [{}, {"card": "tok_succeeds"}])
async def test_until_when_an_order_must_be_paid(
    api: httpx2.AsyncClient, buyer: Person, services: Services, methods: dict[str, str]
) -> None:
    order_id = await placed(api, buyer, services, **methods)
    new = await shown(api, buyer, order_id)
    ends = datetime.fromisoformat(new["createdAt"]) + timedelta(seconds=900)
    assert (datetime.fromisoformat(new["payBefore"]), new["payBefore"][-1]) == (ends, "Z")
    reserve(services, order_id)
    assert (await shown(api, buyer, order_id))["payBefore"] == new["payBefore"]
    undo(services, order_id)
    assert (await shown(api, buyer, order_id))["payBefore"] is None


async def test_a_paid_order_has_no_time_to_pay(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    pay(services, order_id)
    assert (await shown(api, buyer, order_id))["payBefore"] is None


async def test_the_term_of_a_pending_payment_is_the_time_to_pay(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services, card="tok_waits")
    reserve(services, order_id)
    payment = pay(services, order_id)
    ends = services.database.fetch_value("SELECT pending_until FROM payments.payments WHERE id = %(id)s", vars(payment))
    pending = await shown(api, buyer, order_id)
    assert (pending["payment"]["status"], datetime.fromisoformat(pending["payBefore"])) == ("pending", ends)
    assert ends - datetime.now(UTC) > timedelta(minutes=59)
    services.orders.request_cancel(order_id, buyer.id)
    assert (await shown(api, buyer, order_id))["payBefore"] is None


async def shown(api: httpx2.AsyncClient, who: Person, order_id: UUID) -> dict[str, Any]:
    body: dict[str, Any] = (await api.get(f"{ORDERS}/{order_id}", headers=who.headers)).json()
    return body


@pytest.mark.parametrize("rest", ["", "/events"])
async def test_T59_another_buyers_order(
    api: httpx2.AsyncClient, buyer: Person, other: Person, services: Services, rest: str
) -> None:
    order_id = await placed(api, buyer, services)

    foreign = (await api.get(f"{ORDERS}/{order_id}{rest}", headers=other.headers)).json()
    missing = (await api.get(f"{ORDERS}/{uuid4()}{rest}", headers=other.headers)).json()

    assert foreign["status"] == 404
    for body in (foreign, missing):
        del body["traceId"], body["instance"]
    assert foreign == missing


@pytest.mark.parametrize("step", ["reserve", "pay", "confirm", "cancel"])
async def test_T59_steps_of_another_buyers_order(
    api: httpx2.AsyncClient, buyer: Person, other: Person, services: Services, step: str
) -> None:
    order_id = await placed(api, buyer, services)

    answer = await api.post(f"{ORDERS}/{order_id}/{step}", headers=other.headers)

    assert answer.status_code == 404
    assert services.orders.get(order_id).status == "created"


async def test_an_operator_sees_all(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)

    assert (await api.get(f"{ORDERS}/{order_id}", headers=operator.headers)).json()["id"] == str(order_id)
    listed = (await api.get(ORDERS, headers=operator.headers)).json()["items"]
    assert [(row["id"], row["buyerId"], row["needsAttention"]) for row in listed] == [
        (str(order_id), str(buyer.id), False)
    ]


@pytest.mark.parametrize(
    "id_", ["1", "nope", str(ANY_ID)[:-1], f"{{{ANY_ID}}}", ANY_ID.hex, f"urn:uuid:{ANY_ID}", "%00"]
)
@pytest.mark.parametrize("rest", ["", "/events"])
async def test_G12_malformed_ids(api: httpx2.AsyncClient, buyer: Person, id_: str, rest: str) -> None:
    answer = await api.get(f"{ORDERS}/{id_}{rest}", headers=buyer.headers)

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation-error")
    assert answer.json()["errors"][0]["pointer"] == "/path/orderId"
    assert answer.json()["instance"] == f"/orders/%7BorderId%7D{rest}"


async def test_pages_newest_first(api: httpx2.AsyncClient, buyer: Person, other: Person, services: Services) -> None:
    made = many(services, buyer, 7)
    many(services, other, 2)
    seen, cursor, sizes = [], None, []
    while True:
        params = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        page = (await api.get(MINE, params=params, headers=buyer.headers)).json()
        seen += [row["id"] for row in page["items"]]
        sizes.append(len(page["items"]))
        cursor = page["nextCursor"]
        if cursor is None:
            break

    assert (seen, sizes) == (made, [3, 3, 1])
    assert page["items"][0].keys() == {"id", "number", "status", "totalAmount", "currency", "createdAt"}


async def test_twenty_on_a_page_by_default(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    many(services, buyer, 21)

    page = (await api.get(MINE, headers=buyer.headers)).json()

    assert len(page["items"]) == 20
    assert page["nextCursor"]


async def test_T58_a_limit_beyond_a_hundred_is_a_hundred(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    many(services, buyer, 101)

    for limit in ("100", "101", "1000000000"):
        page = (await api.get(MINE, params={"limit": limit}, headers=buyer.headers)).json()
        assert len(page["items"]) == 100


@pytest.mark.parametrize("limit", ["0", "-1", "1.0", "x", "", " 5", "1e2", "10000000001", "9" * 30, "٥"])
async def test_T58_invalid_limits(api: httpx2.AsyncClient, buyer: Person, limit: str) -> None:
    answer = await api.get(MINE, params={"limit": limit}, headers=buyer.headers)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/query/limit"


async def test_T58_cursors_are_valid_for_their_list_only(
    api: httpx2.AsyncClient, buyer: Person, other: Person, operator: Person, services: Services
) -> None:
    many(services, buyer, 3)
    many(services, other, 3)
    cursor = (await api.get(MINE, params={"limit": "1"}, headers=buyer.headers)).json()["nextCursor"]

    tampered = [cursor[:-1], cursor + "A", cursor + "!", "_" + cursor[1:], cursor.swapcase(), "", "x", "я", cursor[:22]]
    for wrong in tampered:
        assert (await api.get(MINE, params={"cursor": wrong}, headers=buyer.headers)).status_code == 422
    elsewhere = [
        await api.get(MINE, params={"cursor": cursor}, headers=other.headers),
        await api.get(MINE, params={"cursor": cursor, "status": "cancelled"}, headers=buyer.headers),
        await api.get(ORDERS, params={"cursor": cursor}, headers=operator.headers),
        await api.get("/api/v1/products", params={"cursor": cursor}),
    ]
    assert [answer.status_code for answer in elsewhere] == [422] * 4
    # Another page size is the same list.
    assert len((await api.get(MINE, params={"cursor": cursor}, headers=buyer.headers)).json()["items"]) == 2


async def test_lists_by_status_and_time(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    cancelled = many(services, buyer, 1)[0]
    open_ = str(await placed(api, buyer, services))
    soon, before = ((datetime.now(UTC) + timedelta(hours=hours)).isoformat() for hours in (1, -1))

    async def ids(**params: str) -> list[str]:
        return [row["id"] for row in (await api.get(MINE, params=params, headers=buyer.headers)).json()["items"]]

    assert await ids(status="cancelled") == [cancelled]
    assert await ids(**{"from": before, "to": soon}) == [open_, cancelled]
    assert await ids(**{"from": soon}) == []
    assert await ids(to=before) == []


@pytest.mark.parametrize(
    "params",
    [
        {"status": "nope"},
        {"from": "yesterday"},
        {"from": "2026-01-31"},
        {"from": "1767225600"},
        {"to": "2026-01-31T12:00:00"},
        {"to": "0001-01-01T00:00:00+14:00"},
        {"to": "9999-12-31T23:59:59-14:00"},
        {"to": "2026-02-30T12:00:00Z"},
    ],
)
async def test_invalid_filters(api: httpx2.AsyncClient, buyer: Person, params: dict[str, str]) -> None:
    assert (await api.get(MINE, params=params, headers=buyer.headers)).status_code == 422


async def test_an_operators_filters(
    api: httpx2.AsyncClient, buyer: Person, other: Person, operator: Person, services: Services
) -> None:
    quiet, stuck = await placed(api, buyer, services), await placed(api, other, services)
    services.order_transitions.raise_attention(stuck, "refund_failed")

    async def ids(**params: str) -> list[UUID]:
        return [
            UUID(row["id"]) for row in (await api.get(ORDERS, params=params, headers=operator.headers)).json()["items"]
        ]

    assert await ids(needsAttention="true") == [stuck]
    assert await ids(needsAttention="false") == [quiet]
    assert await ids(buyerId=str(buyer.id)) == [quiet]


async def test_the_timeline(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    pay(services, order_id)
    confirm(services, order_id)

    body = (await api.get(f"{ORDERS}/{order_id}/events", headers=buyer.headers)).json()

    assert [event["type"] for event in body["items"]] == ["created", "reserved", "payment_pending", "paid", "confirmed"]
    assert body["items"][0].keys() == {"at", "type", "status", "detail", "attempt", "amount"}
    assert body["items"][3]["amount"] == "1299.00"
    assert body["nextCursor"] is None
