"""Stuck steps on the desk: try again, done by hand, write off; with fake workflows behind the real API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import UUID

import httpx2
import pytest

from api.app import create_app as create_api
from api.state import state_of
from services.bootstrap import Services
from services.clock import new_id
from tests.fakes.retries import Retries
from tests.fakes.workflow_starter import Workflows
from tests.web.desk import a_paid_order, an_operator
from tests.web.visitor import Visitor, hidden
from web.app import create_app
from web.settings import WebSettings


@pytest.fixture
def workflows() -> Workflows:
    return Workflows()


@pytest.fixture
def retries() -> Retries:
    return Retries()


@pytest.fixture
async def operator(
    services: Services, web_settings: WebSettings, workflows: Workflows, retries: Retries
) -> AsyncIterator[Visitor]:
    api = create_api(services, workflows, retries)
    settings = web_settings.model_copy(update={"temporal_ui_url": "http://127.0.0.1:8233/"})
    pages = create_app(settings, httpx2.AsyncClient(transport=httpx2.ASGITransport(api), base_url="http://market"))
    async with pages.app.router.lifespan_context(pages.app), Visitor(pages) as visitor:
        yield await an_operator(visitor, services)
    await state_of(api).order_starts.close()


@pytest.fixture
async def stuck(visitor: Visitor, services: Services) -> UUID:
    """An order that is being cancelled, and whose money cannot be returned."""
    await visitor.register()
    order_id = await a_paid_order(visitor, services)
    services.orders.request_cancel(order_id, None)
    services.order_transitions.raise_attention(order_id, "refund_payment", "some_code")
    return order_id


async def resolve(operator: Visitor, order_id: UUID, **fields: str) -> httpx2.Response:
    page = await operator.open(f"/desk/orders/{order_id}")
    form = {name: hidden(page, name) for name in ("key", "step")}
    return await operator.send(f"/desk/orders/{order_id}/resolve", **{**form, **fields})


async def test_a_stuck_step_is_tried_again(operator: Visitor, workflows: Workflows, stuck: UUID) -> None:
    page = await operator.open(f"/desk/orders/{stuck}")
    assert "The payment provider gave another reason. <code>some_code</code>" in page
    answer = await resolve(operator, stuck, action="retry")
    assert answer.headers["Location"] == f"/desk/orders/{stuck}?done=retry"
    [(order_id, step, action, reference, by)] = workflows.resolved
    assert (order_id, step, action, reference) == (stuck, "refund_payment", "retry", "")
    assert str(UUID(by)) == by


async def test_done_by_hand_needs_a_reference(operator: Visitor, workflows: Workflows, stuck: UUID) -> None:
    for reference in ("", " "):
        assert (await resolve(operator, stuck, action="mark_done", reference=reference)).status_code == 422
    assert workflows.resolved == []
    assert (await resolve(operator, stuck, action="mark_done", reference="transfer 4711")).status_code == 303
    assert [each[2:4] for each in workflows.resolved] == [("mark_done", "transfer 4711")]


@pytest.mark.parametrize(
    "typed", ["", "1298.99", "129900", "1,299.00", "-1299.00", "all", "\u0661\u0662\u0669\u0669.\u0660\u0661"]
)
async def test_nothing_is_written_off_unless_the_amount_is_typed(
    operator: Visitor, workflows: Workflows, stuck: UUID, typed: str
) -> None:
    answer = await resolve(operator, stuck, action="write_off", reason="wallet closed", amount=typed)
    assert (answer.status_code, "Nothing was changed." in answer.text) == (422, True)
    assert workflows.resolved == []


@pytest.mark.parametrize("typed", ["1299.00", "1299", "1 299,00", "1\u00a0299,00"])
async def test_an_amount_is_written_off_with_its_reason(
    operator: Visitor, workflows: Workflows, stuck: UUID, typed: str
) -> None:
    answer = await resolve(operator, stuck, action="write_off", reason="wallet closed", amount=typed)
    assert answer.headers["Location"] == f"/desk/orders/{stuck}?done=write_off"
    assert [each[1:4] for each in workflows.resolved] == [("refund_payment", "write_off", "wallet closed")]


async def test_money_that_may_still_arrive_is_neither_returned_nor_written_off_by_hand(
    visitor: Visitor, operator: Visitor, workflows: Workflows, services: Services
) -> None:
    await visitor.register()
    order_id = await a_paid_order(visitor, services, method="card:tok_pending")
    services.orders.request_cancel(order_id, None)
    services.order_transitions.raise_attention(order_id, "refund_payment")
    page = await operator.open(f"/desk/orders/{order_id}")
    assert ("Try again now" in page, "Done by hand" in page, "Write off" in page) == (True, False, False)
    assert "not known yet whether money was taken" in page
    for amount in ("0", "0.00", "1299.00"):
        answer = await resolve(operator, order_id, action="write_off", reason="closed", amount=amount)
        assert (answer.status_code, workflows.resolved) == (422, [])


async def test_goods_are_not_written_off(
    operator: Visitor, workflows: Workflows, services: Services, stuck: UUID
) -> None:
    services.order_transitions.clear_attention(stuck, "refund_payment")
    services.order_transitions.raise_attention(stuck, "release_stock")
    assert "Write off" not in await operator.open(f"/desk/orders/{stuck}")
    answer = await resolve(operator, stuck, action="write_off", reason="lost", amount="1299.00")
    assert (answer.status_code, workflows.resolved) == (422, [])


async def test_a_step_that_is_no_longer_stuck_is_explained(
    operator: Visitor, workflows: Workflows, services: Services, stuck: UUID
) -> None:
    workflows.stuck = ()
    answer = await resolve(operator, stuck, action="retry")
    assert (answer.status_code, "has gone on in the meantime" in answer.text) == (409, True)


async def test_the_workflows_of_an_order_are_linked(operator: Visitor, services: Services, stuck: UUID) -> None:
    late = f"refund-{new_id()}"
    services.order_transitions.raise_attention(stuck, late)
    page = await operator.open(f"/desk/orders/{stuck}")
    for name in (f"order-{stuck}", late):
        assert f'href="http://127.0.0.1:8233/namespaces/market/workflows/{name}"' in page


async def test_the_workers_are_named_on_the_first_page(operator: Visitor) -> None:
    assert "Workers that ask Temporal for work: worker-1." in await operator.open("/desk")


async def test_the_next_try_is_shown_and_what_to_do_when_there_is_none(
    operator: Visitor, services: Services, retries: Retries, stuck: UUID
) -> None:
    services.order_transitions.raise_attention(stuck, "no_worker")
    retries.tries = {"refund_payment": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
    for path in ("/desk", f"/desk/orders/{stuck}"):
        page = await operator.open(path)
        assert ("2 Jan 2026, 03:04 UTC" in page, "not by itself" in page) == (True, True), path
    assert "Start a worker of that build, or move the order to another build" in page


async def test_a_lost_workflow_is_started_at_once_and_an_open_one_is_not(
    operator: Visitor, services: Services, retries: Retries, stuck: UUID
) -> None:
    services.order_transitions.clear_attention(stuck, "refund_payment")
    for reason in ("workflow_lost", "no_progress"):
        services.order_transitions.raise_attention(stuck, reason)
        page = await operator.open(f"/desk/orders/{stuck}")
        assert ("Try again now" in page, "Done by hand" in page, "Write off" in page) == (True, False, False)
        answer = await resolve(operator, stuck, action="retry")
        if reason == "workflow_lost":
            assert answer.headers["Location"] == f"/desk/orders/{stuck}?done=retry"
            services.order_transitions.clear_attention(stuck, reason)
    assert (answer.status_code, "Nothing was started: the workflow is open" in answer.text) == (409, True)
    assert [each[:2] for each in retries.retried] == [(stuck, "workflow_lost")]
