"""The Temporal dev server: namespace, search attributes, and what a kill leaves."""

import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from sandbox.errors import CannotStart
from sandbox.ports import accepts, free_port, free_ports
from sandbox.process import wait_until
from sandbox.temporal import TemporalServer, find_binary, prepare_namespace

MARKED = TypedSearchAttributes(
    [
        SearchAttributePair(SearchAttributeKey.for_keyword("OrderStatus"), "paid"),
        SearchAttributePair(SearchAttributeKey.for_bool("NeedsAttention"), True),
        SearchAttributePair(SearchAttributeKey.for_keyword("AttentionReason"), "undo-stuck"),
        SearchAttributePair(SearchAttributeKey.for_keyword("BuyerId"), "b-1"),
    ]
)


@pytest.fixture(scope="module")
def temporal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TemporalServer]:
    with TemporalServer(tmp_path_factory.mktemp("temporal"), free_port(), None) as server:
        yield server


async def retention(client: Client) -> timedelta:
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    return described.config.workflow_execution_retention_ttl.ToTimedelta()


async def start_marked(client: Client, workflow_id: str) -> None:
    await client.start_workflow("Nobody", id=workflow_id, task_queue="nobody", search_attributes=MARKED)


async def test_orders_can_be_marked_and_are_kept_for_days(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    assert client.namespace == "market"
    assert await retention(client) >= timedelta(hours=72)
    await start_marked(client, "order-1")
    assert (await client.get_workflow_handle("order-1").describe()).typed_search_attributes == MARKED


async def test_workflows_survive_a_kill(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    await start_marked(client, "order-2")
    before = temporal.pid
    temporal.kill()
    assert not accepts(temporal.port)
    temporal.start()  # from inside this test's event loop
    assert temporal.pid != before
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    assert (await client.get_workflow_handle("order-2").describe()).typed_search_attributes == MARKED


async def test_a_namespace_of_somebody_else_is_prepared_as_often_as_one_likes(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address, namespace="elsewhere")
    for _ in range(2):
        await prepare_namespace(client, timedelta(days=5))
    assert await retention(client) == timedelta(days=5)
    await prepare_namespace(client, timedelta(days=3))
    assert await retention(client) == timedelta(days=5)
    await start_marked(client, "order-3")


def test_without_a_folder_everything_is_in_memory_and_the_web_ui_answers() -> None:
    port, ui_port = free_ports(2)
    with TemporalServer(None, port, ui_port):
        assert wait_until(lambda: accepts(ui_port), 10)
    assert not accepts(port)


@pytest.mark.parametrize("setting", ["TEMPORAL_PORT", "TEMPORAL_UI_PORT"])
def test_a_port_in_use_is_named(setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, free = taken.getsockname()[1], free_port()
        ports = (port, free) if setting == "TEMPORAL_PORT" else (free, port)
        with pytest.raises(CannotStart, match=f"Port {port} is in use .* with {setting}"):
            TemporalServer(None, *ports).start()


def test_a_missing_binary_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotStart, match=r"No temporal binary found: install requirements/run\.txt"):
        find_binary()
