"""What operators see of an order's money at the provider and of its goods, beside its row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from services.clock import new_id
from tests.api.people import Person
from tests.api.shop import ORDERS, confirm, pay, placed, reserve
from tests.fakes.gateway import Behaviour, FakeGateway


@pytest.fixture
def provider(services: Services) -> Iterator[FakeGateway]:
    gateway = cast(FakeGateway, services.gateway)
    yield gateway
    gateway.behaviour = Behaviour.SUCCEEDS


@pytest.fixture
async def confirmed(api: httpx2.AsyncClient, buyer: Person, services: Services) -> UUID:
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    reserve(services, order_id)
    pay(services, order_id)
    confirm(services, order_id)
    return order_id


async def compared(api: httpx2.AsyncClient, operator: Person, order_id: UUID) -> dict[str, Any]:
    answer = await api.get(f"{ORDERS}/{order_id}/comparison", headers=operator.headers)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def test_all_three_agree(api: httpx2.AsyncClient, operator: Person, services: Services, confirmed: UUID) -> None:
    shown = await compared(api, operator, confirmed)
    [payment] = shown["payments"]
    assert (shown["status"], shown["providerAgrees"], shown["goodsAgree"]) == ("confirmed", True, True)
    assert (payment["captured"], payment["refunded"]) == ("1299.00", "0.00")
    assert payment["provider"]["captured"] == "1299.00"
    assert payment["provider"]["providerId"] == services.payments.of_order(confirmed)[0].provider_id
    assert (shown["reservation"]["status"], shown["reservation"]["units"]) == ("confirmed", 1)


async def test_goods_and_money_that_do_not_agree(
    api: httpx2.AsyncClient, operator: Person, services: Services, confirmed: UUID
) -> None:
    services.database.execute("UPDATE payments.payments SET refunded_minor = 100")
    services.database.execute("UPDATE reservations.reservations SET status = 'released'")
    shown = await compared(api, operator, confirmed)
    assert (shown["providerAgrees"], shown["goodsAgree"]) == (False, False)


async def test_a_provider_that_does_not_answer_hides_nothing_of_ours(
    api: httpx2.AsyncClient, operator: Person, provider: FakeGateway, confirmed: UUID
) -> None:
    provider.behaviour = Behaviour.UNAVAILABLE
    shown = await compared(api, operator, confirmed)
    assert (shown["providerAnswered"], shown["providerAgrees"]) == (False, None)
    assert [(each["captured"], each["provider"]) for each in shown["payments"]] == [("1299.00", None)]


async def test_an_order_without_payment_and_reservation(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services
) -> None:
    shown = await compared(api, operator, await placed(api, buyer, services))
    assert (shown["payments"], shown["reservation"]) == ([], None)
    assert (shown["providerAgrees"], shown["goodsAgree"]) == (True, True)


async def test_it_is_for_operators(api: httpx2.AsyncClient, buyer: Person, operator: Person, confirmed: UUID) -> None:
    assert (await api.get(f"{ORDERS}/{confirmed}/comparison", headers=buyer.headers)).status_code == 403
    assert (await api.get(f"{ORDERS}/{new_id()}/comparison", headers=operator.headers)).status_code == 404
