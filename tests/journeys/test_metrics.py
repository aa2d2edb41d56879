"""The metrics of a worker's process, alone and with the API."""

from __future__ import annotations

import httpx2

from tests.journeys.shop import Shop
from tests.journeys.waiting import until


def test_a_worker_reports_what_its_orders_its_client_and_the_shop_do(parts: Shop) -> None:
    customer = parts.customer()
    paid = customer.place(parts.product(), card=parts.paying("card", "succeeds"))
    declined = customer.place(parts.product(), card=parts.paying("card", "declines"))
    ends = [customer.wait_for_end(order_id)["status"] for order_id in (paid, declined)]
    assert ends == ["confirmed", "cancelled"]
    open_id = customer.place(parts.product())
    customer.wait_for_status(open_id, "reserved")

    until(lambda: parts.metric("orders_ended_total", outcome="confirmed"))
    until(lambda: parts.metric("orders_ended_total", outcome="payment_declined"))
    assert parts.metric("order_confirmation_seconds_count") >= 1
    assert 0 < parts.metric("order_confirmation_seconds_sum") < 60
    assert parts.metric("shop_readable") == 1
    assert parts.metric("orders_open", status="reserved") >= 1
    assert parts.metric("database_pool_limit") == 16
    until(lambda: parts.metric("temporal_workflow_completed_total", workflow_type="OrderWorkflow"))
    assert parts.metric("temporal_num_pollers", poller_type="workflow_task") >= 1
    assert parts.metric("http_requests_total") == 0
    until(lambda: parts.metric("queue_waiting"), lambda waiting: waiting == 0)


def test_a_worker_without_the_api_reports_its_health(parts: Shop) -> None:
    assert parts.stack.addresses.metrics is not None
    worker = httpx2.URL(parts.stack.addresses.metrics)
    assert httpx2.get(worker.join("/livez")).json() == {"status": "alive"}
    until(lambda: httpx2.get(worker.join("/readyz")).status_code, lambda status: status == 200)
