"""An operator resolves a stuck step over HTTP; buyers may not, and a step that is not stuck cannot be resolved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import UUID

import httpx2
import pytest
import pytest_asyncio
from fastapi import FastAPI

from api.app import create_app
from api.state import state_of
from services.bootstrap import Services
from services.clock import new_id
from tests.api.people import Person, an_operators_account
from tests.builders import an_order
from tests.fakes.workflow_starter import Workflows


@pytest.fixture
def workflows() -> Workflows:
    return Workflows()


@pytest_asyncio.fixture
async def client(services: Services, workflows: Workflows) -> AsyncIterator[httpx2.AsyncClient]:
    app: FastAPI = create_app(services, workflows)
    # Its lifespan is the other app's: listening is not what this is about.
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://market") as client:
        yield client
    await state_of(app).order_starts.close()


def a_stuck_order(services: Services) -> UUID:
    order_id = services.orders.place(an_order()).order.id
    services.order_transitions.raise_attention(order_id, "refund_payment")
    return order_id


async def test_an_operator_resolves_the_stuck_step(
    client: httpx2.AsyncClient, services: Services, workflows: Workflows, operator: Person
) -> None:
    order_id = a_stuck_order(services)
    answer = await client.post(
        f"/api/v1/orders/{order_id}/resolve",
        json={"action": "mark_done", "reference": "transfer 4711"},
        headers=operator.headers,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json() == {"orderId": str(order_id), "step": "refund_payment", "action": "mark_done"}
    assert workflows.resolved == [(order_id, "refund_payment", "mark_done", "transfer 4711", "anna")]


async def test_T167_a_decision_is_recorded_with_the_id_of_the_operators_account(
    client: httpx2.AsyncClient, services: Services, workflows: Workflows
) -> None:
    anna, order_id = an_operators_account(services), a_stuck_order(services)
    body = {"action": "mark_done", "reference": "transfer 4711"}
    answer = await client.post(f"/api/v1/orders/{order_id}/resolve", json=body, headers=anna.headers)
    assert answer.status_code == 200, answer.text
    assert workflows.resolved == [(order_id, "refund_payment", "mark_done", "transfer 4711", str(anna.id))]


async def test_the_refund_of_a_late_payment_is_resolved_by_its_own_workflow(
    client: httpx2.AsyncClient, services: Services, workflows: Workflows, operator: Person
) -> None:
    """Beside the order's own stuck undo and a payment under review, which no undo raised."""
    order_id = a_stuck_order(services)
    late = f"refund-{new_id()}"
    workflows.stuck = (late, "refund_payment")
    for reason in ("payment_review", late):
        services.order_transitions.raise_attention(order_id, reason)
    answers = [
        await client.post(f"/api/v1/orders/{order_id}/resolve", json=body, headers=operator.headers)
        for body in ({"action": "retry", "step": "refund_late_payment"}, {"action": "retry"})
    ]
    assert [answer.status_code for answer in answers] == [200, 200], answers[0].text
    assert [answer.json()["step"] for answer in answers] == ["refund_late_payment", "refund_payment"]
    assert [step for _, step, *_ in workflows.resolved] == [late, "refund_payment"]


async def test_a_buyer_may_not(
    client: httpx2.AsyncClient, services: Services, workflows: Workflows, buyer: Person
) -> None:
    order_id = a_stuck_order(services)
    answer = await client.post(f"/api/v1/orders/{order_id}/resolve", json={"action": "retry"}, headers=buyer.headers)
    assert (answer.status_code, workflows.resolved) == (403, [])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"action": "forget"}, 422),
        ({"action": "mark_done"}, 422),
        ({"action": "write_off"}, 422),
        ({"action": "write_off", "reference": "transfer 4711"}, 422),
        ({"action": "retry", "step": "reserve_stock"}, 422),
        ({"action": "retry", "step": "release_stock"}, 409),
    ],
)
async def test_invalid_resolutions_are_refused(
    client: httpx2.AsyncClient,
    services: Services,
    workflows: Workflows,
    operator: Person,
    body: dict[str, str],
    status: int,
) -> None:
    order_id = a_stuck_order(services)
    answer = await client.post(f"/api/v1/orders/{order_id}/resolve", json=body, headers=operator.headers)
    assert (answer.status_code, workflows.resolved) == (status, [])


async def test_an_order_without_a_stuck_step_and_an_unknown_order(
    client: httpx2.AsyncClient, services: Services, operator: Person
) -> None:
    placed = services.orders.place(an_order()).order
    for order_id, status in ((placed.id, 409), (new_id(), 404)):
        answer = await client.post(
            f"/api/v1/orders/{order_id}/resolve", json={"action": "retry"}, headers=operator.headers
        )
        assert answer.status_code == status
