"""From an event of an order to a receiver: queued with the messages of the buyer, sent by the dispatcher's activity."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from temporalio.testing import ActivityEnvironment

from activities.notifications import NotificationActivities
from activities.polling import Wakeup
from activities.webhooks import WebhookActivities
from services.bootstrap import Services
from services.order_number import order_number
from services.orders.status import CancelReason
from services.orders.views import WorkflowRun
from services.webhooks.views import DeliveryFilter
from tests.builders import ADDRESS, a_product, an_order
from tests.services.webhooks.receiver import receiving

RUN = WorkflowRun("run", 1000.0)


def subscribe(_: str, __: Callable[[str], None]) -> Callable[[], None]:
    return lambda: None


def queueing(services: Services) -> NotificationActivities:
    return NotificationActivities(
        services.database,
        services.order_outbox,
        services.identity,
        services.account_messages,
        services.notifications,
        services.webhooks,
        lambda: Wakeup(subscribe, "notifications"),
    )


def test_without_an_endpoint_nothing_is_written(services: Services) -> None:
    services.orders.place(an_order(a_product()))
    assert queueing(services).queue_new() == 1
    assert services.database.fetch_value("SELECT count(*) FROM webhooks.deliveries") == 0


async def test_T225_a_receiver_learns_of_placed_and_cancelled_orders_and_nothing_about_a_person(
    services: Services,
) -> None:
    async with receiving() as receiver:
        await asyncio.to_thread(services.webhook_endpoints.add, receiver.url)
        order = services.orders.place(an_order(a_product("12.99"), quantity=2, phone="+79161234567", card=None)).order
        services.order_transitions.begin_cancel(order.id, RUN, CancelReason.BUYER_REQUEST)
        services.order_transitions.cancelled(order.id)
        queueing(services).queue_new()
        assert queueing(services).queue_new() == 0
        environment = ActivityEnvironment()
        activities = WebhookActivities(services.webhook_dispatcher, lambda: Wakeup(subscribe, "webhooks"))
        running = asyncio.ensure_future(environment.run(activities.dispatch_webhooks))
        await receiver.has(2)
        environment.worker_shutdown()
        assert await asyncio.wait_for(running, 20) == 2
    messages = {message["type"]: message for message in (json.loads(each.body) for each in receiver.received)}
    data = {"orderId": str(order.id), "number": order_number(str(order.id)), "totalAmount": "25.98", "currency": "RUB"}
    assert messages["order.placed"]["data"] == data | {"status": "created"}
    assert messages["order.cancelled"]["data"] == data | {"status": "cancelled", "cancelReason": "buyer_request"}
    at = datetime.fromisoformat(messages["order.placed"]["timestamp"])
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)
    text = "".join(str((each.headers, each.body.decode())) for each in receiver.received)
    assert not [part for part in ("+7916", ADDRESS.street, str(order.buyer_id)) if part in text]
    assert {each.status for each in services.webhooks.before(DeliveryFilter(), None, 9)} == {"delivered"}
