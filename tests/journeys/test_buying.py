"""Three customers buy, from the registration to the last message; and invalid steps of orders (ABUSE T61 … T68)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from tests.journeys.canaries import events, logs
from tests.journeys.customers import answered, problem
from tests.journeys.shop import PRICE, STOCK, Shop
from tests.journeys.three_ends import reach_three_ends
from tests.journeys.waiting import until

TEMPLATE = "{{7*7}} ${jndi:ldap://x} <b>bold</b> {% raw %}"


def test_a_customer_buys_with_email_and_card(shop: Shop) -> None:
    customer, product = shop.customer("en"), shop.product()
    me = answered(customer.http.get("/users/me"), 200)
    assert (me["email"], me["phone"], me["emailVerified"]) == (customer.address, None, False)
    seen = answered(customer.http.get(f"/products/{product}"), 200)
    assert (seen["price"], seen["currency"], seen["stock"]) == (PRICE, "RUB", STOCK)

    order_id = customer.place(product, quantity=2, card=shop.paying("card", "succeeds"))
    order = customer.wait_for_end(order_id)
    assert (order["status"], order["totalAmount"], order["currency"]) == ("confirmed", "2598.00", "RUB")
    assert (order["payment"]["status"], order["payment"]["method"]) == ("succeeded", "card")
    assert (order["refund"], order["cancelReason"]) == (None, None)
    assert "needsAttention" not in order
    assert customer.timeline(order_id) == ["created", "reserved", "payment_pending", "paid", "confirmed"]
    assert answered(customer.http.get(f"/products/{product}/stock"), 200)["available"] == STOCK - 2

    (charge,) = shop.ledger(order)
    assert (charge["amount"], charge["currency"], charge["captures"], charge["refunds"]) == ("2598.00", "RUB", 1, [])
    mails = until(lambda: shop.inbox(customer.address), lambda found: len(found) == 3)
    number = f"{order_id[-8:-4]}-{order_id[-4:]}".upper()
    assert sorted(mail["subject"] for mail in mails) == [
        f"Order {number} confirmed",
        f"Order {number} paid",
        f"Order {number} received",
    ]
    assert {mail["channel"] for mail in mails} == {"email"}
    assert all("RUB\u00a02,598.00" in mail["text"] and "Hello Anna," in mail["text"] for mail in mails)


def test_a_russian_customer_pays_by_phone_and_cancels_while_the_payment_is_pending(shop: Shop) -> None:
    customer, product = shop.customer("ru", phone="+79161234567"), shop.product()
    payer = shop.paying("phone", "answers_later")
    order_id = customer.place(product, phone=payer)
    customer.wait_for_event(order_id, "payment_waiting")
    assert customer.order(order_id)["status"] == "payment_pending"
    assert shop.stock(product) == (STOCK - 1, 1, 0)
    assert answered(customer.step(order_id, "cancel"), 202)["status"] == "cancelling"

    order = customer.wait_for_end(order_id)
    assert (order["status"], order["cancelReason"]) == ("cancelled", "buyer_request")
    assert (order["refund"]["status"], order["refund"]["amount"]) == ("succeeded", PRICE)
    timeline = customer.timeline(order_id)
    assert timeline.index("released") < timeline.index("refunded") < timeline.index("cancelled")
    assert shop.stock(product) == (STOCK, 0, 0)
    (charge,) = shop.ledger(order)
    assert (charge["method"], charge["captures"]) == ("phone", 1)
    assert [(refund["amount"], refund["status"]) for refund in charge["refunds"]] == [(PRICE, "succeeded")]

    number = f"{order_id[-8:-4]}-{order_id[-4:]}".upper()
    refunded = f"Заказ {number}: вернули 1\u00a0299,00\u00a0₽. Деньги в пути."
    received = until(lambda: shop.inbox(customer.address), lambda found: len(found) == 3)
    assert [message["text"] for message in received] == [
        f"Заказ {number} на 1\u00a0299,00\u00a0₽ принят. Ждём оплату.",
        f"Заказ {number} отменён: по вашей просьбе. Вернём деньги.",
        refunded,
    ]
    # The phone that was given with the order learns only what happened to its money.
    received = until(lambda: shop.inbox(payer), lambda found: len(found) == 1)
    assert [message["text"] for message in received] == [refunded]


def test_the_log_has_a_line_for_each_thing_that_happens_to_an_order(shop: Shop) -> None:
    customer = shop.customer()
    headers = {"X-Request-Id": "the-first-request"}
    placed = answered(customer.post_order(shop.product(), card=shop.paying("card", "succeeds"), headers=headers), 201)
    order_id = str(placed["orderId"])
    assert shop.outcome(order_id) == "confirmed"

    written = logs(shop.stack.settings.data_dir)["workers.log"]
    lines = [event for event in events(written) if event.get("order_id") == order_id]
    steps = ["reserved", "payment_pending", "paid", "confirmed"]
    assert [line["event"] for line in lines] == ["order.placed", *(f"order.{step}" for step in steps)]
    number = f"{order_id[-8:-4]}-{order_id[-4:]}".upper()
    assert {(line["number"], line["workflow_id"]) for line in lines} == {(number, f"order-{order_id}")}
    first, *others = lines
    assert (first["trace_id"], str(first["caller"]).partition(":")[0]) == ("the-first-request", "buyer")
    runs = shop.rows("SELECT claimed_by FROM orders.orders WHERE id = %(id)s", id=order_id)
    assert [(run,) for run in {line["trace_id"] for line in others}] == runs


@pytest.fixture(scope="module")
def api_with_regular_lane(shop: Shop) -> Iterator[str]:
    """The base URL of an API whose orders run every step as a regular activity."""
    with shop.another_api(LOCAL_LANE="off") as api:
        yield f"http://127.0.0.1:{api.name.rpartition('-')[2]}"


def test_journeys_with_regular_activities_only(shop: Shop, api_with_regular_lane: str) -> None:
    ids, received = reach_three_ends(shop, shop.customer("en", api=api_with_regular_lane))
    assert len([mail for mail in received if mail["subject"].endswith("cancelled")]) == 2

    scheduled, local = asyncio.run(steps_of(shop, ids["straight"]))
    assert scheduled == ["reserve_stock", "charge_payment", "confirm_order"]
    assert local == 0


def test_an_order_must_be_paid_before_the_workflow_stops_waiting(shop: Shop) -> None:
    customer = shop.customer()
    order_id = customer.place(shop.product())
    customer.wait_for_status(order_id, "reserved")
    ends = until(lambda: asyncio.run(end_of_timer(shop, order_id)))
    assert ends
    promised = datetime.fromisoformat(customer.order(order_id)["payBefore"])
    assert timedelta(0) <= ends - promised < timedelta(seconds=5)
    customer.step(order_id, "pay", card=shop.paying("card", "succeeds"))
    assert customer.wait_for_end(order_id)["payBefore"] is None


async def end_of_timer(shop: Shop, order_id: str) -> datetime | None:
    """When the first timer of an order's workflow ends; None when it has none."""
    async for event in (await shop.workflow(order_id)).fetch_history_events():
        if event.HasField("timer_started_event_attributes"):
            timer = event.timer_started_event_attributes.start_to_fire_timeout.ToTimedelta()
            return event.event_time.ToDatetime(UTC) + timer
    return None


async def steps_of(shop: Shop, order_id: str) -> tuple[list[str], int]:
    """The regular activities of an order's workflow, and the number of its local activities."""
    history = await (await shop.workflow(order_id)).fetch_history()
    scheduled = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in history.events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    markers = [event for event in history.events if event.HasField("marker_recorded_event_attributes")]
    return scheduled, len(markers)


def test_T61_reserve_is_refused_for_strangers_and_cancelled_orders_and_idempotent_otherwise(shop: Shop) -> None:
    customer, stranger, product = shop.customer(), shop.customer(), shop.product()
    order_id = customer.place(product)
    first = answered(customer.step(order_id, "reserve"), 200)
    assert first["status"] == "reserved"
    assert problem(stranger.step(order_id, "reserve")) == (404, "not-found")
    assert answered(customer.step(order_id, "reserve"), 200) == first

    answered(customer.step(order_id, "cancel"), 202)
    assert customer.wait_for_end(order_id)["status"] == "cancelled"
    assert problem(customer.step(order_id, "reserve")) == (409, "invalid-transition")
    assert shop.stock(product) == (STOCK, 0, 0)


def test_T62_fifty_parallel_reserves_hold_once(shop: Shop) -> None:
    customer, product = shop.customer(), shop.product()
    order_id = customer.place(product, quantity=3)
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: customer.step(order_id, "reserve"), range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert len({answer.json()["reservationId"] for answer in answers}) == 1
    assert shop.stock(product) == (STOCK - 3, 3, 0)
    answered(customer.step(order_id, "cancel"), 202)
    assert customer.wait_for_end(order_id)["status"] == "cancelled"


def test_T66_confirm_before_the_payment_is_refused(shop: Shop) -> None:
    customer, stranger, product = shop.customer(), shop.customer(), shop.product()
    order_id = customer.place(product)
    customer.wait_for_status(order_id, "reserved")
    assert problem(customer.step(order_id, "confirm")) == (409, "invalid-transition")
    assert problem(stranger.step(order_id, "confirm")) == (404, "not-found")
    assert customer.order(order_id)["status"] == "reserved"
    assert customer.timeline(order_id) == ["created", "reserved"]
    assert shop.stock(product) == (STOCK - 1, 1, 0)
    answered(customer.step(order_id, "cancel"), 202)
    assert customer.wait_for_end(order_id)["status"] == "cancelled"


def test_T67_cancel_is_refused_for_strangers_and_confirmed_orders(shop: Shop) -> None:
    customer, stranger = shop.customer(), shop.customer()
    order_id = customer.place(shop.product(), card=shop.paying("card", "succeeds"))
    assert problem(stranger.step(order_id, "cancel")) == (404, "not-found")
    assert customer.wait_for_end(order_id)["status"] == "confirmed"
    assert problem(customer.step(order_id, "cancel")) == (409, "invalid-transition")
    assert customer.order(order_id)["status"] == "confirmed"


def test_T67_a_second_cancel_keeps_the_first_reason(shop: Shop) -> None:
    customer, product = shop.customer(), shop.product()
    order_id = customer.place(product)
    customer.wait_for_status(order_id, "reserved")
    assert problem(customer.step(order_id, "cancel", reason="x" * 10_000)) == (422, "validation-error")
    assert customer.order(order_id)["status"] == "reserved"
    answered(customer.step(order_id, "cancel", reason=TEMPLATE), 202)
    assert customer.wait_for_end(order_id)["status"] == "cancelled"
    again = answered(customer.step(order_id, "cancel", reason="another one"), 200)
    assert again == {"orderId": order_id, "status": "cancelled"}
    assert shop.rows("SELECT cancel_note FROM orders.orders WHERE id = %(id)s", id=order_id) == [(TEMPLATE,)]
    assert customer.timeline(order_id).count("cancelled") == 1
    assert shop.stock(product) == (STOCK, 0, 0)


def test_T68_cancel_during_the_charge_refunds_it(shop: Shop) -> None:
    customer, product = shop.customer(), shop.product()
    order_id = customer.place(product, card="tok_succeeds_3")
    customer.wait_for_status(order_id, "payment_pending")
    assert answered(customer.step(order_id, "cancel"), 202) == {"orderId": order_id, "status": "cancelling"}
    order = customer.wait_for_end(order_id)
    assert order["status"] == "cancelled"
    (charge,) = shop.ledger(order)
    assert (charge["captures"], [refund["amount"] for refund in charge["refunds"]]) == (1, [PRICE])
    assert shop.stock(product) == (STOCK, 0, 0)


def test_a_worker_with_the_api_reports_the_metrics_of_both(shop: Shop) -> None:
    shop.customer().place(shop.product())
    until(lambda: shop.metric("orders_open"))
    assert shop.metric("http_requests_total", operation="POST /orders", status="201") >= 1
    assert shop.metric("temporal_num_pollers", poller_type="workflow_task") >= 1
    assert shop.metric("database_pool_limit") == 16
