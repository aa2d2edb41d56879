"""POST /orders: what is stored, and requests that are refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from api.app import create_app
from services.bootstrap import Services
from services.payments.yookassa.method_rules import live_methods
from services.settings import Settings
from tests.api.people import Person
from tests.api.shop import ADDRESS, ORDERS, RUN, a_product, items, order, placed, reserve
from tests.fakes.gateway import FakeGateway


def orders_stored(services: Services) -> int:
    with services.database.transaction() as tx:
        return int(tx.fetch_value("SELECT count(*) FROM orders.orders"))


def problem_of(response: httpx2.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].removeprefix("/problems/")


async def test_an_order_is_stored_with_its_price_and_name(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    lantern, kettle = a_product(services, price="10.50"), a_product(services, price="3.00", name="Kettle")

    answer = await api.post(ORDERS, json={**items((lantern, 2), (kettle, 1)), **ADDRESS}, headers=buyer.headers)

    assert answer.status_code == 201
    body = answer.json()
    assert body.keys() == {"orderId", "number", "status", "totalAmount", "currency", "items", "createdAt"}
    assert (body["status"], body["totalAmount"], body["currency"]) == ("created", "24.00", "RUB")
    assert body["items"] == [
        {"productId": str(lantern), "name": "Lantern", "price": "10.50", "quantity": 2},
        {"productId": str(kettle), "name": "Kettle", "price": "3.00", "quantity": 1},
    ]
    assert body["createdAt"].endswith("Z")
    assert answer.headers["location"] == f"{ORDERS}/{body['orderId']}"
    assert UUID(body["orderId"]).version == 7
    seen = await api.get(answer.headers["location"], headers=buyer.headers)
    assert seen.json()["totalAmount"] == "24.00"


async def test_a_product_id_alone_orders_one_unit(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    answer = await order(api, buyer, a_product(services))

    assert [line["quantity"] for line in answer.json()["items"]] == [1]


@pytest.mark.parametrize("field", ["price", "total", "totalAmount", "currency", "status", "userId", "buyerId"])
async def test_T46_fields_that_the_client_may_not_set(
    api: httpx2.AsyncClient, buyer: Person, services: Services, field: str
) -> None:
    sent: dict[str, Any] = {field: "0.01"}

    answer = await order(api, buyer, a_product(services), **sent)

    assert problem_of(answer) == (422, "validation-error")
    assert answer.json()["errors"] == [
        {"pointer": f"/{field}", "code": "extra-forbidden", "message": "Unknown member."}
    ]
    assert "0.01" not in answer.text
    assert orders_stored(services) == 0


@pytest.mark.parametrize(
    "quantity", ["0", "-1", "1.5", "1.0", "1e0", "true", '"1"', "null", "2147483648", "1" + "0" * 30]
)
async def test_T47_quantities(api: httpx2.AsyncClient, buyer: Person, services: Services, quantity: str) -> None:
    body = httpx2.Request("POST", "http://market", json={**items((a_product(services), 777)), **ADDRESS}).content
    sent = body.replace(b'"quantity":777', b'"quantity":' + quantity.encode())

    answer = await api.post(ORDERS, content=sent, headers={**buyer.headers, "Content-Type": "application/json"})

    assert problem_of(answer) == (422, "validation-error")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/items/0/quantity"]
    assert orders_stored(services) == 0


async def test_T47_a_total_out_of_bounds(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    costly = a_product(services, price="9999999999.00", stock=1_000_000)

    answer = await api.post(ORDERS, json={**items((costly, 1_000_000)), **ADDRESS}, headers=buyer.headers)

    assert problem_of(answer) == (422, "validation-error")
    assert orders_stored(services) == 0


async def test_T48_F62_lines_of_one_product_are_summed(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    product_id = a_product(services, stock=3)

    answer = await api.post(ORDERS, json={**items((product_id, 2), (product_id, 2)), **ADDRESS}, headers=buyer.headers)

    assert problem_of(answer) == (409, "out-of-stock")
    assert answer.json()["products"] == [{"productId": str(product_id), "wanted": 4, "available": 3}]
    assert orders_stored(services) == 0


async def test_each_short_product_is_named(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    enough, none, some = a_product(services), a_product(services, stock=0), a_product(services, stock=1)

    body = {**items((enough, 1), (none, 1), (some, 2)), **ADDRESS}
    answer = await api.post(ORDERS, json=body, headers=buyer.headers)

    assert answer.json()["products"] == [
        {"productId": str(none), "wanted": 1, "available": 0},
        {"productId": str(some), "wanted": 2, "available": 1},
    ]


async def test_T49_unknown_and_inactive_products(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    unknown, inactive, fine = uuid4(), a_product(services, active=False), a_product(services)

    body = {**items((fine, 1), (unknown, 1), (inactive, 1)), **ADDRESS}
    answer = await api.post(ORDERS, json=body, headers=buyer.headers)

    assert problem_of(answer) == (422, "product-unavailable")
    assert answer.json()["products"] == [str(unknown), str(inactive)]
    assert orders_stored(services) == 0


async def test_T50_mixed_currencies(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    roubles, dollars = a_product(services), a_product(services, currency="USD", stock=0)

    answer = await api.post(ORDERS, json={**items((roubles, 1), (dollars, 1)), **ADDRESS}, headers=buyer.headers)

    assert problem_of(answer) == (422, "currency-mismatch")
    assert orders_stored(services) == 0


@pytest.mark.parametrize(
    "card", ["4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "378282246310005", "٤١١١١١١١١١١١١١١١"]
)
async def test_T51_card_numbers(
    api: httpx2.AsyncClient, buyer: Person, services: Services, card: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = await order(api, buyer, a_product(services), card=card)

    assert problem_of(answer) == (422, "card-number-not-accepted")
    assert answer.json()["errors"][0]["pointer"] == "/card"
    assert card not in answer.text
    assert orders_stored(services) == 0
    logged = capfd.readouterr()
    assert card not in logged.out + logged.err


@pytest.mark.parametrize(
    "card", ["4111111111111112", "tok_succeeds", "x" * 255, "2d1f8f3a-000f-5000-8000-1a2b3c4d5e6f"]
)
async def test_tokens_are_not_taken_for_card_numbers(
    api: httpx2.AsyncClient, buyer: Person, services: Services, card: str
) -> None:
    assert (await order(api, buyer, a_product(services), card=card)).status_code == 201


@pytest.mark.parametrize("card", ["", "tok en", "x" * 256, "токен", "tok\x00", 4111111111111111, {"number": "1"}])
async def test_invalid_tokens(api: httpx2.AsyncClient, buyer: Person, services: Services, card: Any) -> None:
    assert problem_of(await order(api, buyer, a_product(services), card=card)) == (422, "validation-error")


async def test_T51_a_security_code_is_not_taken(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    answer = await order(api, buyer, a_product(services), card="tok_succeeds", cvv="987")

    assert problem_of(answer) == (422, "validation-error")
    assert "987" not in answer.json()["errors"][0].values()


async def test_T52_card_and_phone(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    answer = await order(api, buyer, a_product(services), card="tok_succeeds", phone="+79000000001")

    assert problem_of(answer) == (422, "validation-error")
    assert answer.json()["errors"] == [
        {"pointer": "", "code": "two-methods", "message": "Send either card or phone, not both."}
    ]


async def test_T52_without_a_method_the_order_waits_for_one(
    api: httpx2.AsyncClient, buyer: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)

    assert services.orders.get(order_id).method is None


@pytest.mark.parametrize("phone", ["8 900 000-00-01", "+7 (900) 000-00-01", "٨٩٠٠٠٠٠٠٠٠١"])
async def test_a_phone_is_stored_as_e164(
    api: httpx2.AsyncClient, buyer: Person, services: Services, phone: str
) -> None:
    order_id = await placed(api, buyer, services, phone=phone)

    services.order_transitions.claim(order_id, RUN)
    services.order_transitions.reserved(order_id)
    due = services.order_transitions.start_payment(order_id, 1)
    assert due.method is not None
    assert due.method.phone == "+79000000001"


@pytest.mark.parametrize("phone", ["112", "+74951234567", "nonsense", "+7 809 100 00 00", "1" * 41])
async def test_phones_that_cannot_pay(api: httpx2.AsyncClient, buyer: Person, services: Services, phone: str) -> None:
    answer = await order(api, buyer, a_product(services), phone=phone)

    assert problem_of(answer) == (422, "validation-error")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/phone"]
    assert phone not in answer.text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("street", "x" * 10_000),
        ("street", "x" * 201),
        ("street", "a\u202eb"),
        ("street", "a\x00b"),
        ("city", ""),
        ("city", "   "),
        ("region", "a\x1b[31m"),
        ("region", None),
        ("country", "ru"),
        ("country", "XX"),
        ("country", "RUS"),
    ],
)
async def test_T57_addresses(
    api: httpx2.AsyncClient, buyer: Person, services: Services, field: str, value: Any
) -> None:
    answer = await order(api, buyer, a_product(services), **{field: value})

    assert problem_of(answer) == (422, "validation-error")
    assert orders_stored(services) == 0


@pytest.mark.parametrize("street", ["{{7*7}}", "${jndi:ldap://x}", "<script>alert(1)</script>", "ул. Ленина, д. 5 👍"])
async def test_T57_template_text_is_kept_literally(
    api: httpx2.AsyncClient, buyer: Person, services: Services, street: str
) -> None:
    order_id = await placed(api, buyer, services, street=street)

    assert (await api.get(f"{ORDERS}/{order_id}", headers=buyer.headers)).json()["street"] == street


@pytest.mark.parametrize(
    "body",
    [{}, {"items": []}, {"items": {}}, {"items": [{}] * 501}, {"productId": "1"}, {"productId": None}, {"items": [1]}],
)
async def test_products_are_required(api: httpx2.AsyncClient, buyer: Person, services: Services, body: Any) -> None:
    answer = await api.post(ORDERS, json={**ADDRESS, **body}, headers=buyer.headers)

    assert problem_of(answer) == (422, "validation-error")


async def test_product_and_items_exclude_each_other(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    product_id = a_product(services)

    answer = await order(api, buyer, product_id, **items((product_id, 1)))

    assert answer.json()["errors"][0]["code"] == "product-or-items"


async def test_five_hundred_lines_are_taken(api: httpx2.AsyncClient, buyer: Person, services: Services) -> None:
    product_id = a_product(services, stock=2000)

    answer = await api.post(ORDERS, json={**items(*[(product_id, 1)] * 500), **ADDRESS}, headers=buyer.headers)

    assert [line["quantity"] for line in answer.json()["items"]] == [500]


async def test_T55_too_many_open_orders(
    api: httpx2.AsyncClient, buyer: Person, services: Services, settings: Settings
) -> None:
    for _ in range(settings.orders_max_unpaid):
        await placed(api, buyer, services)

    answer = await order(api, buyer, a_product(services))

    assert problem_of(answer) == (429, "too-many-open-orders")
    assert int(answer.headers["retry-after"]) > 0


async def test_T56_only_verified_accounts_if_required(buyer: Person, services: Services) -> None:
    settings = services.settings.model_copy(update={"orders_require_verified": True})
    strict = create_app(replace(services, settings=settings))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(strict), base_url="http://market") as client:
        refused = await client.post(ORDERS, content=b"{", headers=buyer.headers)
        with services.database.transaction() as tx:
            tx.execute("UPDATE identity.users SET email_verified = true")
        taken = await order(client, buyer, a_product(services))

    assert problem_of(refused) == (403, "identifier-not-verified")
    assert taken.status_code == 201


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (None, "ru"),
        ("en-GB,en;q=0.9", "en"),
        ("en-GB,en;q=0.9" + ",de-AT;q=0.8" * 30, "en"),  # of a browser with many languages: 374 characters
        ("de, en;q=0.4, ru;q=0.7", "ru"),
        ("de", "ru"),
        ("en;q=x", "ru"),
        ("*", "ru"),
    ],
)
async def test_the_language_is_stored(
    api: httpx2.AsyncClient, buyer: Person, services: Services, accept: str | None, language: str
) -> None:
    await order(api, buyer, a_product(services), headers={"Accept-Language": accept} if accept else {})

    with services.database.transaction() as tx:
        assert tx.fetch_value("SELECT language FROM orders.orders") == language


LIVE = live_methods(3600, 3900)


async def test_T173_an_order_that_its_method_cannot_pay_is_refused_with_the_bounds(
    api: httpx2.AsyncClient, buyer: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeGateway, "methods", LIVE)
    dear, cheap = a_product(services, price="20000.00"), a_product(services, price="9.99")
    foreign = a_product(services, price="50.00", currency="USD")

    by_phone = [await order(api, buyer, each, phone="+79000000001") for each in (dear, cheap)]
    by_card = await order(api, buyer, foreign, card="tok_succeeds")

    bounds = {"minAmount": "10.00", "maxAmount": "15000.00", "currencies": ["RUB"], "maxLines": None}
    message = "A payment by phone must be at least 10.00 and at most 15000.00 RUB."
    for answer in by_phone:
        assert problem_of(answer) == (422, "validation-error")
        assert answer.json()["errors"] == [{"pointer": "/phone", "code": "validation-error", "message": message}]
        assert answer.json()["bounds"] == bounds
    assert by_card.json()["errors"][0]["pointer"] == "/card"
    assert by_card.json()["errors"][0]["message"] == "A payment by card must be in RUB."
    assert by_card.json()["bounds"]["currencies"] == ["RUB"]
    assert orders_stored(services) == 0
    assert (await order(api, buyer, dear)).status_code == 201
    assert (await order(api, buyer, dear, card="tok_succeeds")).status_code == 201


async def test_T173_a_method_given_later_is_refused_likewise(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeGateway, "methods", LIVE)
    order_id = (await order(api, buyer, a_product(services, price="20000.00"))).json()["orderId"]
    reserve(services, UUID(order_id))
    payment = {"orderId": order_id, "amount": "20000.00", "currency": "RUB", "method": "phone"}

    paid = await api.post(f"{ORDERS}/{order_id}/pay", json={"phone": "+79000000001"}, headers=buyer.headers)
    made = await api.post("/api/v1/payments", json={**payment, "phone": "+79000000001"}, headers=operator.headers)

    for answer in (paid, made):
        assert problem_of(answer) == (422, "validation-error")
        assert answer.json()["errors"][0]["pointer"] == "/phone"
        assert answer.json()["bounds"]["maxAmount"] == "15000.00"
    assert services.orders.get(UUID(order_id)).method is None


async def test_T173_a_repeated_request_gets_its_order_also_when_the_bounds_have_changed(
    api: httpx2.AsyncClient, buyer: Person, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, once = a_product(services, price="20000.00"), {"Idempotency-Key": "once"}
    first = await order(api, buyer, product, headers=once, phone="+79000000001")
    monkeypatch.setattr(FakeGateway, "methods", LIVE)
    again = await order(api, buyer, product, headers=once, phone="+79000000001")
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
