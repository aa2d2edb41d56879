"""Operators see by name who decided or acted on an order; buyers and services never do."""

from __future__ import annotations

from uuid import UUID

import httpx2
import pytest

from services.bootstrap import Services
from services.identity.views import Scope
from services.orders.status import OrderEventType
from tests.api.event_streams import frames, stream
from tests.api.people import Person, a_service, an_operators_account
from tests.api.serving import Served
from tests.api.shop import ORDERS, placed


@pytest.fixture
def anna(services: Services) -> Person:
    """An operator's account."""
    return an_operators_account(services)


def note(services: Services, order_id: UUID, kind: OrderEventType, key: str, detail: str) -> None:
    services.order_transitions.note(order_id, kind, key, detail=detail)


async def shown(api: httpx2.AsyncClient, person: Person, order_id: UUID) -> list[dict[str, object]]:
    answer = await api.get(f"{ORDERS}/{order_id}/events", headers=person.headers)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, object]] = answer.json()["items"]
    return items


async def test_an_operator_sees_whose_account_it_was(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, anna: Person, services: Services
) -> None:
    order_id = await placed(api, buyer, services)
    answer = await api.post(f"{ORDERS}/{order_id}/cancel", json={"reason": "called, us"}, headers=anna.headers)
    assert answer.status_code == 202
    decided = f"refund_payment: mark_done by {anna.id}, transfer 4711"
    note(services, order_id, OrderEventType.RESOLVED, "resolved:1", decided)
    for person in (operator, anna):
        by = {str(item["type"]): item["operator"] for item in await shown(api, person, order_id)}
        account = {"id": str(anna.id), "name": "Anna", "email": anna.email}
        assert by == {"created": None, "cancelling": None, "operator_action": account, "resolved": account}


@pytest.mark.parametrize(
    "detail",
    [
        "refund_payment: mark_done by anna, transfer 4711",
        "refund_payment: mark_done, by {buyer}",
        "refund_payment: mark_done by anna, x by {buyer}, y",
        "refund_payment: mark_done by 00000000-0000-0000-0000-000000000000, transfer 4711",
        "",
    ],
    ids=["token", "nobody", "in-a-note", "deleted", "empty"],
)
async def test_an_entry_of_no_account_names_nobody(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, services: Services, detail: str
) -> None:
    """What a person typed cannot let the API look an account up."""
    order_id = await placed(api, buyer, services)
    note(services, order_id, OrderEventType.RESOLVED, "resolved:1", detail.format(buyer=buyer.id))
    assert [item["operator"] for item in await shown(api, operator, order_id)] == [None, None]


async def test_nobody_but_operators_learns_who_it_was(
    served: Served, buyer: Person, anna: Person, services: Services
) -> None:
    api = served.client
    order_id = await placed(api, buyer, services, card="tok_succeeds")
    await api.post(f"{ORDERS}/{order_id}/cancel", headers=anna.headers)
    for person in (buyer, a_service(services, *Scope)):
        assert all("operator" not in item for item in await shown(api, person, order_id))
        text = (await api.get(f"{ORDERS}/{order_id}/events", headers=person.headers)).text
        assert anna.email not in text
        assert "Anna" not in text
    services.orders.request_cancel(order_id, None)
    note(services, order_id, OrderEventType.REFUND_FAILED, "refund_failed:1", "x")
    assert str(anna.id) not in (await api.get(f"{ORDERS}/{order_id}/events", headers=buyer.headers)).text
    async with stream(served, buyer, order_id, 0) as response:
        seen = frames(response)
        sent = [(await anext(seen)).data for _ in range(3)]
    assert [item.get("type") for item in sent] == [None, "created", "cancelling"]
    assert all("operator" not in item for item in sent)
