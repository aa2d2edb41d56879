"""A visitor downloads a copy of their data and deletes the account, without script, on the real API."""

from __future__ import annotations

import json

import httpx2
import pytest

from services.bootstrap import Services
from services.order_number import order_number
from tests.web.desk import a_confirmed_order, add_app, an_order, make_operator
from tests.web.visitor import PASSWORD, Visitor
from web.api_client import ApiClient, ApiProblem, ApiUnavailable

DELETE, EXPORT = "/account/delete", "/account/export"


def accounts(services: Services, email: str) -> int:
    return int(services.database.fetch_value("SELECT count(*) FROM identity.users WHERE email = %(e)s", {"e": email}))


async def test_my_data_is_a_file(visitor: Visitor, services: Services) -> None:
    email = await visitor.register()
    order_id = await an_order(visitor, services)
    assert f'href="{EXPORT}"' in await visitor.open("/account")
    answer = await visitor.http.get(EXPORT)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    data = json.loads(answer.text)
    assert (data["account"]["email"], [each["id"] for each in data["orders"]]) == (email, [str(order_id)])


async def test_a_refusal_of_the_copy_is_a_page_and_no_file(
    visitor: Visitor, stranger: Visitor, services: Services
) -> None:
    await visitor.register()
    services.database.execute("DELETE FROM identity.sessions")
    for somebody in (visitor, stranger):
        answer = await somebody.http.get(EXPORT)
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/sign-in")
        assert "Content-Disposition" not in answer.headers


async def test_an_api_that_is_away_is_no_file() -> None:
    def refuse(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("refused")

    for handler, error in ((refuse, ApiUnavailable), (lambda _: httpx2.Response(503, json={}), ApiProblem)):
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler), base_url="http://api") as http:
            with pytest.raises(error):
                async with ApiClient(http).download("/users/me/export"):
                    pass


async def test_the_page_says_what_is_lost_and_kept_in_both_languages(visitor: Visitor) -> None:
    await visitor.register()
    page = await visitor.open("/account")
    for text in ("Deleted at once: your name", "Kept, because the law and our books need them", "cannot be undone"):
        assert text in page
    visitor.http.headers["Accept-Language"] = "ru"
    page = await visitor.open("/account")
    for text in ("Сразу удаляются имя", "Остаются, потому что этого требуют закон", "Отменить это нельзя"):
        assert text in page


async def test_an_account_is_deleted_and_the_visitor_signed_out(visitor: Visitor, services: Services) -> None:
    email = await visitor.register()
    order_id = await a_confirmed_order(visitor, services)
    answer = await visitor.send(DELETE, current=PASSWORD)
    assert answer.headers["Location"] == "/sign-in?done=deleted"
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert "session" not in visitor.http.cookies
    assert accounts(services, email) == 0
    assert services.orders.get(order_id).status == "confirmed"
    assert "The account was deleted" in await visitor.open("/sign-in?done=deleted")
    assert (await visitor.http.get(f"/orders/{order_id}")).headers["Location"].startswith("/sign-in")
    assert (await visitor.send("/sign-in", identifier=email, password=PASSWORD)).status_code == 401


async def test_a_wrong_password_deletes_nothing(visitor: Visitor, services: Services) -> None:
    email = await visitor.register()
    for fields in ({"current": "wrong"}, {"current": ""}, {}):
        answer = await visitor.send(DELETE, **fields)
        assert answer.status_code in (403, 422), fields
        assert 'role="alert"' in answer.text
        assert "<details open>" in answer.text
    assert accounts(services, email) == 1
    assert "Anna" in await visitor.open("/account")


async def test_open_orders_are_named_as_the_reason(visitor: Visitor, services: Services) -> None:
    email = await visitor.register()
    order_id = await an_order(visitor, services)
    answer = await visitor.send(DELETE, current=PASSWORD)
    assert answer.status_code == 409
    assert "The account cannot be deleted yet" in answer.text
    assert "1 order is still open: cancel each, or wait until it is confirmed" in answer.text
    visitor.http.headers["Accept-Language"] = "ru"
    answer = await visitor.send(DELETE, current=PASSWORD)
    assert "Есть незавершённые заказы." in answer.text
    assert "still open" not in answer.text
    assert accounts(services, email) == 1
    assert order_number(str(order_id)) in await visitor.open("/orders")


async def test_an_account_with_a_second_factor_needs_its_code(visitor: Visitor, services: Services) -> None:
    email = await make_operator(visitor, services)
    assert 'name="otp"' not in await visitor.open("/account")
    code = (await add_app(visitor))[0]
    assert 'name="otp"' in await visitor.open("/account")
    refused = await visitor.send(DELETE, current=PASSWORD, otp="000000")
    assert (refused.status_code, "The code is not right" in refused.text) == (422, True)
    assert accounts(services, email) == 1
    assert (await visitor.send(DELETE, current=PASSWORD, otp=code)).headers["Location"] == "/sign-in?done=deleted"
    assert accounts(services, email) == 0
