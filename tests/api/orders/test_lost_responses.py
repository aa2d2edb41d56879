"""An order whose connection to PostgreSQL is closed before a response, that to COMMIT included (FAULTS F23)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from api.app import create_app
from services.bootstrap import Services, open_services
from tests.api.people import a_buyer
from tests.api.shop import a_product, order
from tests.fakes.gateway import FakeGateway
from tests.fakes.proxy import TcpProxy


@pytest.fixture
def proxy(database_url: str) -> Iterator[TcpProxy]:
    proxy = TcpProxy(database_url)
    with proxy.running():
        yield proxy


@pytest.fixture
def proxied(services: Services, proxy: TcpProxy) -> Iterator[Services]:
    """The services of an API whose connections go through the proxy."""
    settings = services.settings.model_copy(update={"database_url": proxy.address})
    with open_services(settings, gateway=FakeGateway()) as opened:
        yield opened


@pytest.fixture
async def api(proxied: Services) -> AsyncIterator[httpx2.AsyncClient]:
    app = create_app(proxied)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://market") as client,
    ):
        yield client


async def test_F23_an_order_with_a_lost_response_is_made_once(
    api: httpx2.AsyncClient, services: Services, proxied: Services, proxy: TcpProxy
) -> None:
    """Each round loses another response of the request, until it ends before that response."""
    product_id, answers, number, lost = a_product(services), [], 0, True
    while lost:
        number += 1
        buyer = a_buyer(services)
        proxied.database.fetch_value("SELECT 1")  # has a connection, so that no response of its start is lost
        proxy.lose_response(number)
        key = {"Idempotency-Key": "the-only-one"}
        first = await order(api, buyer, product_id, headers=key)
        answers.append(first.status_code)
        lost = proxy.lost
        proxy.lose_response(0)
        again = first if first.status_code == 201 else await order(api, buyer, product_id, headers=key)
        third = await order(api, buyer, product_id, headers=key)
        assert (again.status_code, third.status_code) == (201, 201)
        assert third.headers["Idempotency-Replayed"] == "true"
        assert third.json()["orderId"] == again.json()["orderId"]
    assert set(answers) == {201, 503}
    assert services.database.fetch_value("SELECT count(*) FROM orders.orders") == number
