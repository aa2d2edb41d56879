"""A counter that an alert watches is there with 0 from the start: one that appears with 1 has not increased."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from api.ops.metrics import HttpMetrics
from tests.monitoring.prometheus import MONITORING
from web.app import create_app, routes_of
from web.metrics import PageMetrics
from web.settings import WebSettings
from workers.metrics.orders import OrderEndMetrics

#: Counters that begin with their first event, and why no alert is lost.
LATER = {
    "http_request_seconds_bucket": "a share of slow reads, of which numerator and denominator miss the same first ones",
    "http_request_seconds_count": "the same",
    "temporal_activity_execution_failed_total": "of Temporal's SDK; the alert is about steps that fail again and again",
    "temporal_workflow_task_execution_failed_total": "of Temporal's SDK; a task that fails is repeated",
}
_LABEL = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')


def increasing() -> list[tuple[str, str]]:
    """The counters of rates and increases in the rules, each with its selector."""
    found = re.findall(r"(?:rate|increase)\((\w+)(\{[^}]*\})?\[", (MONITORING / "alerts.yml").read_text())
    return sorted({*found})


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    """What API, worker and pages export before anything happened."""
    pages, worker = PageMetrics(), CollectorRegistry()
    pages.expect(routes_of(create_app(WebSettings(app_env="development")).app))
    OrderEndMetrics(worker)
    registries = (HttpMetrics().registry, worker, pages.registry)
    return [sample for each in registries for family in each.collect() for sample in family.samples]


def selected(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether a selector takes a sample with these labels."""
    for name, operator, value in _LABEL.findall(selector):
        taken = bool(re.fullmatch(value, labels.get(name, ""))) if "~" in operator else labels.get(name, "") == value
        if taken == operator.startswith("!"):
            return False
    return True


@pytest.mark.parametrize(("name", "selector"), increasing())
def test_a_counter_of_an_alert_is_there_before_its_first_event(name: str, selector: str, samples: list[Sample]) -> None:
    found = [each.value for each in samples if each.name == name and selected(selector, each.labels)]
    assert bool(found) != (name in LATER)
    assert not any(found)


def test_the_errors_of_every_operation_and_page_are_there(samples: list[Sample]) -> None:
    requests = {(each.labels["operation"], each.labels["status"]) for each in samples if "operation" in each.labels}
    assert {("POST /orders", "201"), ("POST /orders", "500"), ("POST /orders", "503"), ("other", "500")} <= requests
    assert not {operation for operation, _ in requests if operation.endswith(("/livez", "/readyz", "/metrics"))}
    pages = {(each.labels["route"], each.labels["method"]) for each in samples if "route" in each.labels}
    assert {("/", "GET"), ("/orders", "POST"), ("/desk", "GET"), ("other", "GET")} <= pages
