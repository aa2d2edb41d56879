"""Every query of every dashboard runs on a Prometheus that scraped a shop, and returns data."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from sandbox.settings import StackSettings
from tests.journeys.conftest import running
from tests.journeys.customers import answered
from tests.journeys.shop import CHEAP_PASSWORDS, Shop
from tests.journeys.waiting import until
from tests.monitoring.pages import pages
from tests.monitoring.prometheus import Prometheus, Query, program, queries, scraping, watched_series

#: Queries without data in a shop in which nothing goes wrong, and why.
EMPTY = {
    "Workflow tasks that failed": "no workflow code has a bug",
    "Calls of Temporal that failed": "Temporal answers; only a schedule that is already gone is deleted again at times",
    "Steps that failed and are retried": "no step fails",
    "Temporal's store, 95 %": "a metric of Temporal's server, which the sandbox does not scrape",
    "Minor units an hour": "entries of the ledger are counted 20 s after they are written",
}

#: What alerts watch and a shop in which nothing goes wrong does not have, and why.
LATER = {
    'marketplace_build_info{build!="none"}': "the workers of the sandbox are not versioned",
    "temporal_activity_execution_failed_total": "of Temporal's SDK, which has it from the first failure on",
    "temporal_workflow_task_execution_failed_total": "of Temporal's SDK, which has it from the first failure on",
}


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A shop in which orders of every kind were placed, and the Prometheus that scraped it meanwhile."""
    program("prometheus")
    settings = StackSettings.for_tests(tmp_path_factory.mktemp("scraped"))
    with (
        running(replace(settings, separate=True, env=CHEAP_PASSWORDS)) as shop,
        pages(shop) as (visitor, metrics_of_pages),
    ):
        addresses = shop.stack.addresses
        targets = [("api", urlsplit(addresses.api).netloc), ("worker", urlsplit(addresses.metrics or "").netloc)]
        targets.append(("web", metrics_of_pages))
        with scraping(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
            until(lambda: len(prometheus.query("up == 1")) == len(targets))  # a rate needs a sample from before
            until(lambda: prometheus.query('orders_ended_total{outcome="confirmed"}'))
            visit(visitor)
            until(lambda: prometheus.query("web_requests_total"))
            trade(shop)
            visit(visitor)
            shop.wait_for_delivery()
            until(lambda: prometheus.query("order_confirmation_seconds_count > 0"))
            until(lambda: prometheus.query("marketplace_invariant_checked_timestamp_seconds"))
            yield prometheus


def trade(shop: Shop) -> None:
    """Orders that are paid, declined, cancelled while their payment is pending, refunded, and left open."""
    customer, product = shop.customer(), shop.product()
    ways = {"paid": "succeeds", "declined": "declines", "cancelled": "answers_later"}
    ids = {name: customer.place(product, card=shop.paying("card", way)) for name, way in ways.items()}
    customer.wait_for_event(ids["cancelled"], "payment_waiting")
    answered(customer.step(ids["cancelled"], "cancel"), 202)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(customer.wait_for_end, ids.values()))
    customer.wait_for_status(customer.place(product), "reserved")
    with closing(shop.customer("ru", phone="+79161234511").http) as other:
        answered(other.get("/orders/me"), 200)
        assert other.get("/orders/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404


def visit(visitor: httpx2.Client) -> None:
    """The catalog, and a product that is gone: the API refuses one call of the pages, and nothing fails."""
    assert visitor.get("/").status_code == 200
    assert visitor.get("/products/01890a5d-ac96-774b-bcce-b302099a8057").status_code == 404


def shown(samples: list[dict[str, Any]], quantile: bool) -> bool:
    """Whether a panel draws something: numbers, or a quantile, which has none while nothing was measured."""
    return bool(samples) and (quantile or all(sample["value"][1] not in ("NaN", "+Inf") for sample in samples))


@pytest.mark.parametrize("query", queries(), ids=lambda query: f"{query.dashboard}: {query.panel}")
def test_a_panel_shows_data(scraped: Prometheus, query: Query) -> None:
    if query.panel in EMPTY:
        scraped.query(query.text)
        return
    until(lambda: shown(scraped.query(query.text), "histogram_quantile" in query.text))


@pytest.mark.parametrize("series", sorted(watched_series()))
def test_what_an_alert_watches_is_exported(scraped: Prometheus, series: str) -> None:
    if series not in LATER:
        until(lambda: scraped.query(series))


def test_every_rule_is_evaluated(scraped: Prometheus) -> None:
    groups = scraped.get("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    until(lambda: all(rule["health"] == "ok" for group in scraped.get("rules")["groups"] for rule in group["rules"]))
    assert len(rules) > 20


def test_no_alert_fires_while_all_is_well(scraped: Prometheus) -> None:
    assert [alert["labels"]["alertname"] for alert in scraped.get("alerts")["alerts"]] == []
