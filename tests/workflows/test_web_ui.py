"""What operators read in Temporal's Web UI: summaries, details in words, descriptions, and the status to search by."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle

from activities.messages import OrderOutcome
from services.order_number import order_number
from services.orders.status import CancelReason, OrderStatus
from services.payments.gateway import Outcome
from tests.builders import an_order
from tests.workflows.shop import Shop
from workflows import maintenance, states
from workflows.background import JOBS
from workflows.current_details import State, details
from workflows.order_commands import OrderCommands, order_input
from workflows.search_attributes import ORDER_STATUS
from workflows.start_texts import order_details, order_summary

PERSONAL = ("Тверская", "tok_", "+7", "example.com")


async def metadata(handle: WorkflowHandle[Any, Any]) -> WorkflowMetadata:
    """What the Web UI queries for the page of a workflow."""
    asked: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return asked


async def current_details(shop: Shop, order_id: UUID) -> str:
    return (await metadata(shop.workflow(order_id))).current_details


async def test_an_order_says_what_it_is_about(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), quantity=3))
    described = await shop.workflow(order.id).describe()
    assert await described.static_summary() == f"{order_number(str(order.id))} · 30.00 RUB · 3 units · card"
    text = await described.static_details()
    assert text is not None
    for part in ("30.00 RUB for 3 units", f"`{order.buyer_id}`", "`docs/operations.md`"):
        assert part in text
    assert [secret for secret in PERSONAL if secret in text] == []


def test_inputs_of_earlier_releases_say_what_they_know() -> None:
    stored = dict(an_input(), has_method=True)
    assert order_summary(order_input(stored)) == "3B4E-5F60 · 25.98 GBP"
    without = order_input(dict(an_input(), has_method=False))
    assert order_summary(without) == "3B4E-5F60 · 25.98 GBP · no payment method yet"
    assert "[https://runbook.test](https://runbook.test)" in order_details(order_input(stored), "https://runbook.test")


async def test_a_confirmed_order_has_nine_events_and_says_that_it_has_ended(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    history = await shop.workflow(order.id).fetch_history()
    assert len(history.events) == 9
    assert (await current_details(shop, order.id)).startswith("**Confirmed:**")


async def test_what_is_waited_for_and_until_when(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card=None))
    await shop.until_status(order.id, OrderStatus.RESERVED)
    text = await current_details(shop, order.id)
    started = (await shop.workflow(order.id).describe()).start_time
    assert text.startswith("**Waiting for the buyer** to give a payment method, until **")
    assert abs(ends_at(text) - started.timestamp() - 900) < 5
    paying = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(paying.id))
    assert f"decide on payment `{shop.payment_id(paying.id)}`" in await current_details(shop, paying.id)
    shop.provider.decide(shop.payment_id(paying.id), Outcome.SUCCEEDED)
    await shop.cancel(paying)
    await shop.cancel(order)
    await asyncio.gather(shop.outcome(order.id), shop.outcome(paying.id))


async def test_the_status_is_cancelling_while_the_undos_run(shop: Shop) -> None:
    """It was `payment_pending` until the order was cancelled, also for a refund that takes a day."""
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    await shop.cancel(order)
    await shop.until(lambda: "released" in shop.events(order.id))
    async with asyncio.timeout(10):
        while (await shop.workflow(order.id).describe()).typed_search_attributes.get(ORDER_STATUS) != "cancelling":
            await asyncio.sleep(0.05)
    assert (await current_details(shop, order.id)).startswith("**Cancelling**, because the buyer asked for it.")
    shop.provider.decide(shop.payment_id(order.id), Outcome.FAILED)
    await shop.forward(order.id, 400)
    assert (await shop.outcome(order.id)).status == OrderStatus.CANCELLED
    described = await shop.workflow(order.id).describe()
    assert described.typed_search_attributes.get(ORDER_STATUS) == "cancelled"
    assert (await current_details(shop, order.id)).startswith("**Cancelled**, because the buyer asked for it.")


async def test_a_stuck_undo_says_what_to_send_and_it_can_be_sent(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    shop.gates.failing.add("release")
    shop.provider.decide(shop.payment_id(order.id), Outcome.FAILED)
    try:
        await shop.cancel(order)
        await shop.until_status(order.id, OrderStatus.CANCELLING)
        await shop.forward(order.id, 700)
        await shop.until(lambda: shop.services.orders.get(order.id).needs_attention)
        text = await current_details(shop, order.id)
    finally:
        shop.gates.failing.clear()
    assert text.startswith("### A person is needed: `release_stock`\n\nReleasing the goods has failed for 10 min")
    assert '{"step": "release_stock", "action": "retry"}' in text
    assert "nothing is needed" not in text
    inputs = [json.loads(part.split("```")[0]) for part in text.split("```json\n")[1:]]
    assert [sorted(each) for each in inputs] == [["action", "step"], *[["action", "by", "reference", "step"]] * 2]
    await OrderCommands(shop.client).resolve(order.id, "release_stock", "retry")
    await shop.outcome(order.id)
    assert "A person is needed" not in await current_details(shop, order.id)


async def test_timers_and_steps_have_summaries_in_words(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product(), card="waits"))
    await shop.until(lambda: "payment_waiting" in shop.events(order.id))
    shop.provider.decide(shop.payment_id(order.id), Outcome.SUCCEEDED)
    shop.services.orders.notice_payment(order.id, shop.payment_id(order.id), "hook")
    await shop.outcome(order.id)
    found = await summaries(shop.client, shop.workflow(order.id))
    assert found[:3] == ["reserve the goods", "take the payment, attempt 1", "ask the provider again"]
    assert found[-2:] == ["ask the provider about the payment", "confirm the order"]


async def test_messages_are_described_with_an_example(shop: Shop) -> None:
    order = await shop.place(an_order(shop.product()))
    await shop.outcome(order.id)
    asked = (await metadata(shop.workflow(order.id))).definition
    described = {each.name: each.description for each in (*asked.signal_definitions, *asked.update_definitions)}
    assert described.keys() == {"cancel_requested", "payment_method_given", "payment_updated", "resolve"}
    assert all(described.values())
    assert '{"step": "refund_payment", "action": "retry"}' in described["resolve"]
    queries = {each.name: each.description for each in asked.query_definitions}
    assert queries["status"] == "The status as this workflow knows it. The order in the database decides."


async def test_background_workflows_say_what_they_do(shop: Shop) -> None:
    sweep = shop.client.get_workflow_handle("sweep-reservations")
    assert await (await sweep.describe()).static_summary() == "background: sweep_reservations, every 1 min"
    relay = shop.client.get_workflow_handle("outbox-relay")
    assert (await metadata(relay)).current_details.startswith("Starts the workflows of new orders")


def test_every_job_is_described() -> None:
    assert {job.activity for job in JOBS.values()} == maintenance.DOES.keys()


@pytest.mark.parametrize("reason", [*CancelReason])
def test_every_cancel_reason_has_words(reason: CancelReason) -> None:
    text = states.ended(OrderOutcome(OrderStatus.CANCELLED, reason)).now
    assert text.startswith(f"**Cancelled**, because {states.BECAUSE[reason]}. ")


def test_a_payment_under_review_can_only_be_asked_about_again() -> None:
    text = details(State("**Cancelling.**"), ["payment_review"], 600)
    assert [json.loads(part.partition("```")[0]) for part in text.split("```json")[1:]] == [
        {"step": "payment_review", "action": "retry"}
    ]
    assert text.endswith("**Cancelling.**")


def ends_at(text: str) -> float:
    """The time in a text, as seconds since 1970."""
    return datetime.strptime(text.split("**")[3], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC).timestamp()


async def summaries(client: Client, handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The summaries of started timers and of finished local steps, in order."""
    kinds = (EventType.EVENT_TYPE_MARKER_RECORDED, EventType.EVENT_TYPE_TIMER_STARTED)
    converter = client.data_converter.payload_converter
    return [
        converter.from_payload(event.user_metadata.summary, str)
        for event in (await handle.fetch_history()).events
        if event.event_type in kinds
    ]


def an_input() -> dict[str, Any]:
    """A start input of release 0.1.0."""
    return {
        "order_id": "0193b6f0-7d3a-7c41-9f0e-5a1d3b4e5f60",
        "buyer_id": "0193b6ef-1111-7c41-9f0e-5a1d2c3b4e5f",
        "total_minor": 2598,
        "currency": "GBP",
        "hold_seconds": 1200,
        "payment_window": 900,
        "payment_attempts": 1,
        "attention_after": 600,
        "local_lane": True,
    }
