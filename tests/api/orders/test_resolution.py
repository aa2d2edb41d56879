"""An operator resolves a stuck step over HTTP; buyers may not, and a step that is not stuck cannot be resolved."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
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
from tests.fakes.retries import Retries
from tests.fakes.workflow_starter import Workflows


@pytest.fixture
def workflows() -> Workflows:
    return Workflows()


@pytest.fixture
def retries() -> Retries:
    return Retries()


@pytest_asyncio.fixture
async def client(services: Services, workflows: Workflows, retries: Retries) -> AsyncIterator[httpx2.AsyncClient]:
    app: FastAPI = create_app(services, workflows, retries)
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


async def test_a_lost_workflow_is_started_at_once(
    client: httpx2.AsyncClient, services: Services, workflows: Workflows, retries: Retries, operator: Person
) -> None:
    order_id = services.orders.place(an_order()).order.id
    for reason in ("no_worker", "workflow_lost", "payment_review"):
        services.order_transitions.raise_attention(order_id, reason)
    workflows.stuck = ("payment_review",)
    bodies = [{"action": "retry"}, {"action": "retry", "step": "payment_review"}]
    answers = [
        await client.post(f"/api/v1/orders/{order_id}/resolve", json=body, headers=operator.headers) for body in bodies
    ]
    assert [answer.json()["step"] for answer in answers] == ["workflow_lost", "payment_review"]
    assert retries.retried == [(order_id, "workflow_lost", "anna")]
    assert [each[1:3] for each in workflows.resolved] == [("payment_review", "retry")]


@pytest.mark.parametrize(
    ("reason", "body", "said"),
    [
        ("no_progress", {"action": "retry"}, "Its workflow is open, so nothing was started."),
        ("workflow_failing", {"action": "retry"}, "deploy the release that corrects the code"),
        ("no_worker", {"action": "retry"}, "start one, or move the order to another build"),
        (
            "payment_review",
            {"action": "mark_done", "reference": "transfer 4711"},
            "payment_review cannot be resolved by mark_done. Only goods or money that are stuck are.",
        ),
        ("workflow_lost", {"action": "write_off", "reason": "lost"}, "retry starts it at once"),
        ("refund_payment", {"action": "retry", "step": "no_progress"}, "Stuck: refund_payment."),
    ],
)
async def test_what_cannot_be_resolved_so_says_what_is_possible(
    client: httpx2.AsyncClient,
    services: Services,
    workflows: Workflows,
    retries: Retries,
    operator: Person,
    reason: str,
    body: dict[str, str],
    said: str,
) -> None:
    order_id = services.orders.place(an_order()).order.id
    services.order_transitions.raise_attention(order_id, reason)
    answer = await client.post(f"/api/v1/orders/{order_id}/resolve", json=body, headers=operator.headers)
    assert (answer.status_code, workflows.resolved, retries.retried) == (409, [], [])
    assert said in answer.json()["detail"]


async def test_the_order_and_the_overview_say_when_it_is_tried_again_and_what_is_possible(
    client: httpx2.AsyncClient, services: Services, retries: Retries, operator: Person, buyer: Person
) -> None:
    order_id = services.orders.place(an_order(buyer_id=buyer.id)).order.id
    for reason in ("workflow_lost", "no_worker", "release_stock"):
        services.order_transitions.raise_attention(order_id, reason)
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    retries.tries = {"workflow_lost": at, "release_stock": at}
    order = (await client.get(f"/api/v1/orders/{order_id}", headers=operator.headers)).json()
    overview = (await client.get("/api/v1/operations/overview", headers=operator.headers)).json()
    assert [(each["reason"], each["nextTry"], each["actions"]) for each in order["attention"]] == [
        ("workflow_lost", "2026-01-02T03:04:05Z", ["retry"]),
        ("no_worker", None, []),
        ("release_stock", "2026-01-02T03:04:05Z", ["retry", "mark_done", "write_off"]),
    ]
    assert all(each["advice"] for each in order["attention"])
    assert overview["attention"] == [
        {"orderId": str(order_id), "number": order["number"], "attention": order["attention"]}
    ]
    seen_by_buyer = (await client.get(f"/api/v1/orders/{order_id}", headers=buyer.headers)).json()
    assert "attention" not in seen_by_buyer


async def test_without_temporal_nothing_is_tried_at_once(
    api: httpx2.AsyncClient, services: Services, operator: Person
) -> None:
    order_id = services.orders.place(an_order()).order.id
    services.order_transitions.raise_attention(order_id, "workflow_lost")
    answer = await api.post(f"/api/v1/orders/{order_id}/resolve", json={"action": "retry"}, headers=operator.headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    shown = (await api.get(f"/api/v1/orders/{order_id}", headers=operator.headers)).json()
    assert [each["nextTry"] for each in shown["attention"]] == [None]
