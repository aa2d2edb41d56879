"""The desk without script, on the real API: what operators see and do, and that nobody else does."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from services.order_number import order_number
from services.orders.status import OrderEventType
from services.reconcile.findings import Check
from services.reconcile.reconciler import Report
from tests.api.shop import reserve
from tests.web.desk import a_confirmed_order, an_operator, an_order
from tests.web.visitor import Visitor, hidden


@pytest.fixture
async def operator(stranger: Visitor, services: Services) -> Visitor:
    return await an_operator(stranger, services)


async def search(operator: Visitor, typed: str) -> httpx2.Response:
    return await operator.send("/desk/search", q=typed)


async def test_the_first_page_has_numbers_orders_and_health(
    visitor: Visitor, operator: Visitor, services: Services
) -> None:
    await visitor.register()
    waiting, stuck = [await an_order(visitor, services, method="") for _ in range(2)]
    reserve(services, waiting)
    services.order_transitions.raise_attention(stuck, "refund_payment", "insufficient_funds")
    services.invariant_results.store(Report([Check("I1", "stock", 5, [], 2), Check("I2", "stock", 5)]))
    page = await operator.open("/desk")
    numbers = [int(part.partition("</dd>")[0]) for part in page.split("<dd>")[1:5]]
    assert numbers[:3] == [1, 1, 0]
    assert order_number(str(stuck)) in page
    assert order_number(str(waiting)) not in page
    for text in (
        "Return the money",
        "has too little money",
        "RUB\u00a01,299.00",
        "found violations",
        "I1 (2)",
        "Commands that wait for Temporal: 1",
        "Temporal does not answer",
        "Messages to buyers that wait: ",
        "No SMS waits for the gateway",
        "No webhook waits, and no webhook endpoint fails.",
        'href="/desk/webhooks"',
    ):
        assert text in page, text


async def test_the_menu_shows_the_desk_to_operators_only(visitor: Visitor, operator: Visitor) -> None:
    await visitor.register()
    assert 'href="/desk"' in await operator.open("/")
    assert 'href="/desk"' not in await visitor.open("/")


@pytest.mark.parametrize("change", [str, str.lower, lambda number: number.replace("-", "")])
async def test_an_order_is_found_by_its_number(
    visitor: Visitor, operator: Visitor, services: Services, change: type[str]
) -> None:
    await visitor.register()
    order_id = await an_order(visitor, services)
    answer = await search(operator, f" {change(order_number(str(order_id)))} ")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/desk/orders/{order_id}")


async def test_an_order_is_found_by_its_id_and_by_its_payment(
    visitor: Visitor, operator: Visitor, services: Services
) -> None:
    await visitor.register()
    order_id = await a_confirmed_order(visitor, services)
    [payment] = services.payments.of_order(order_id)
    for typed in (str(order_id), str(order_id).upper(), str(payment.id), str(payment.provider_id)):
        assert (await search(operator, typed)).headers["Location"] == f"/desk/orders/{order_id}"


async def test_a_buyer_is_found_by_address_and_no_url_has_it(
    visitor: Visitor, operator: Visitor, services: Services
) -> None:
    email = await visitor.register()
    orders = [await an_order(visitor, services) for _ in range(2)]
    answer = await search(operator, email.upper())
    assert answer.status_code == 200
    assert all(f'href="/desk/orders/{each}"' in answer.text for each in orders)
    assert email in answer.text
    assert not [link for link in answer.text.split('href="')[1:] if email in link.partition('"')[0]]


@pytest.mark.parametrize(
    "typed", ["0000-0000", str(UUID(int=1)), "nobody@example.com", "+79990000000", "?", "", "x" * 400]
)
async def test_nothing_is_found(operator: Visitor, typed: str) -> None:
    answer = await search(operator, typed)
    assert (answer.status_code, "Nothing was found" in answer.text) == (404, True)


async def test_an_order_shows_what_must_agree(visitor: Visitor, operator: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = await a_confirmed_order(visitor, services)
    page = await operator.open(f"/desk/orders/{order_id}")
    assert (page.count(">agrees<"), page.count("does not agree")) == (2, 0)
    assert page.count("captured RUB\u00a01,299.00") == 2
    services.database.execute("UPDATE payments.payments SET refunded_minor = 100")
    assert "does not agree" in await operator.open(f"/desk/orders/{order_id}")


async def test_the_timeline_says_who_did_what(visitor: Visitor, operator: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = await an_order(visitor, services)
    decided = "refund_payment: mark_done by anna, transfer 4711"
    services.order_transitions.note(order_id, OrderEventType.RESOLVED, "resolved:1", detail=decided)
    page = await operator.open(f"/desk/orders/{order_id}")
    for text in ("Done by hand: Return the money", "by anna", "transfer 4711"):
        assert text in page
    assert "transfer 4711" not in await visitor.open(f"/orders/{order_id}")


async def test_the_timeline_names_the_operator_and_keeps_the_id_as_title(
    visitor: Visitor, operator: Visitor, services: Services
) -> None:
    await visitor.register()
    order_id = await an_order(visitor, services)
    await operator.send(f"/desk/orders/{order_id}/cancel")
    account = services.database.fetch_one("SELECT id, email FROM identity.users WHERE role = 'operator'")
    page = await operator.open(f"/desk/orders/{order_id}")
    assert f'<span title="{account.id}">by Anna ({account.email})</span>' in page
    for secret in (str(account.id), account.email):
        assert secret not in await visitor.open(f"/orders/{order_id}")


async def test_an_order_is_cancelled(visitor: Visitor, operator: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = await an_order(visitor, services)
    page = await operator.open(f"/desk/orders/{order_id}")
    assert "This cannot be undone." in page
    answer = await operator.send(f"/desk/orders/{order_id}/cancel", key=hidden(page, "key"), reason="called us")
    assert answer.headers["Location"] == f"/desk/orders/{order_id}?done=cancel"
    order = services.orders.get(order_id)
    assert (order.status, order.cancel_reason) == ("cancelling", "operator_request")
    page = await operator.open(answer.headers["Location"])
    assert "an operator cancelled it" in page
    assert "Cancelled</span>" in page
    assert "called us" in page
    assert "called us" not in await visitor.open(f"/orders/{order_id}")


async def test_a_refund_sent_twice_is_one_refund(visitor: Visitor, operator: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = await a_confirmed_order(visitor, services)
    page = await operator.open(f"/desk/orders/{order_id}")
    form = {name: hidden(page, name) for name in ("key", "payment")}
    assert 'value="1299.00"' in page
    answers = await asyncio.gather(
        *(operator.send(f"/desk/orders/{order_id}/refund", amount="299,00", **form) for _ in range(2))
    )
    assert 303 in {answer.status_code for answer in answers}
    assert [each.amount.text for each in services.payments.refunds_of(order_id)] == ["299.00"]
    page = await operator.open(f"/desk/orders/{order_id}?done=refund")
    assert 'value="1000.00"' in page
    assert page.count("Refunded</span>") == 1
    assert '<span class="quiet">RUB\u00a0299.00</span>' in page


async def test_goods_go_back_with_a_full_refund_only(visitor: Visitor, operator: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = await a_confirmed_order(visitor, services)
    [line] = services.orders.get(order_id).lines
    page = await operator.open(f"/desk/orders/{order_id}")
    payment = hidden(page, "payment")
    part = await operator.send(f"/desk/orders/{order_id}/refund", payment=payment, amount="1", restock="1")
    assert (part.status_code, "Some values are not right" in part.text) == (422, True)
    answer = await operator.send(f"/desk/orders/{order_id}/refund", payment=payment, amount="1299.00", restock="1")
    assert answer.status_code == 303
    assert services.reservations.stocks([line.product_id])[line.product_id].available == 10
    assert "Sold, 1 unit; Goods are back in stock" in await operator.open(f"/desk/orders/{order_id}")


async def test_more_than_is_left_is_refused_in_words(visitor: Visitor, operator: Visitor, services: Services) -> None:
    await visitor.register()
    order_id = await a_confirmed_order(visitor, services)
    payment = hidden(await operator.open(f"/desk/orders/{order_id}"), "payment")
    answer = await operator.send(f"/desk/orders/{order_id}/refund", payment=payment, amount="1299.01")
    assert (answer.status_code, "more than is left" in answer.text) == (422, True)
    assert services.payments.refunds_of(order_id) == []


PAGES = ["/desk", f"/desk/orders/{UUID(int=1)}", f"/desk/buyers/{UUID(int=1)}"]
FORMS = ["/desk/search", *(f"/desk/orders/{UUID(int=1)}/{form}" for form in ("resolve", "cancel", "refund"))]


async def test_for_a_buyer_the_desk_does_not_exist(visitor: Visitor, services: Services) -> None:
    await visitor.register()
    own = await an_order(visitor, services)
    for path in (*PAGES, f"/desk/orders/{own}"):
        answer = await visitor.http.get(path)
        assert (answer.status_code, "operator" in answer.text) == (404, False), path
    for path in (*FORMS, f"/desk/orders/{own}/cancel", f"/desk/orders/{own}/refund"):
        assert (await visitor.send(path, q="+79991234567", amount="1")).status_code == 404, path
    assert services.orders.get(own).status == "created"


async def test_without_a_session_the_desk_leads_to_the_sign_in(visitor: Visitor) -> None:
    for path in PAGES:
        answer = await visitor.http.get(path)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in"), path
    for path in FORMS:
        assert (await visitor.send(path)).headers["Location"].partition("?")[0] == "/sign-in", path


async def test_an_operator_who_is_one_no_longer_sees_nothing(operator: Visitor, services: Services) -> None:
    """The token still says operator for some minutes; the API reads the role with every request."""
    services.database.execute("UPDATE identity.users SET role = 'buyer'")
    for path in PAGES:
        assert (await operator.http.get(path)).status_code in (403, 404), path
    assert (await search(operator, "+79991234567")).status_code == 403
