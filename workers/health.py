"""Liveness, readiness and metrics of a worker without the API, on METRICS_PORT."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Literal

from prometheus_client import CollectorRegistry, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from api.ops.build_metrics import BuildMetrics
from api.ops.database_check import DatabaseCheck, is_usable
from api.ops.pool_metrics import PoolMetrics
from api.server import Listener, metrics_listener
from services.bootstrap import Services

#: Seconds to wait for Temporal's answer.
_TIMEOUT = 1.0


@dataclass
class WorkerStatus:
    """What the process has so far: a connection to Temporal, then a worker on it."""

    client: Client | None = None
    worker: Worker | None = None

    @property
    def broken(self) -> bool:
        """Whether the worker has stopped, so that only a new process takes tasks again."""
        return self.worker is not None and self.worker.is_shutdown

    async def temporal(self) -> Literal["ready", "away"]:
        """Whether the worker takes tasks of a Temporal server that answers."""
        if self.client is None or self.worker is None or not self.worker.is_running:
            return "away"
        try:
            await asyncio.wait_for(self.client.service_client.check_health(), _TIMEOUT)
        except (RPCError, TimeoutError):
            return "away"
        return "ready"


@dataclass(frozen=True)
class WorkerHealth:
    """The three resources; they take no authentication, so the port belongs to a private network."""

    database: DatabaseCheck
    status: WorkerStatus
    registry: CollectorRegistry

    def app(self) -> Starlette:
        """The application."""
        handlers = {"/livez": self.livez, "/readyz": self.readyz, "/metrics": self.metrics}
        return Starlette(routes=[Route(path, handler) for path, handler in handlers.items()])

    async def livez(self, _: Request) -> JSONResponse:
        """503 when only a new process helps. While Temporal is away it would not: that is what `/readyz` says."""
        if self.status.broken:
            return JSONResponse({"status": "broken"}, 503)
        return JSONResponse({"status": "alive"})

    async def readyz(self, _: Request) -> JSONResponse:
        """503 while the worker cannot work: without Temporal, without the database or its schema."""
        database, temporal = await asyncio.gather(asyncio.to_thread(self.database.state), self.status.temporal())
        ready = is_usable(database) and temporal == "ready"
        state = {"status": "ready" if ready else "unready", "database": database, "temporal": temporal}
        return JSONResponse(state, 200 if ready else 503)

    async def metrics(self, _: Request) -> Response:
        """Metrics in Prometheus' text format."""
        text = await asyncio.to_thread(generate_latest, self.registry)
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def health_server(services: Services, status: WorkerStatus, registry: CollectorRegistry) -> Listener:
    """A server for `METRICS_HOST:METRICS_PORT`, whose metrics include the use of the pool."""
    registry.register(PoolMetrics(lambda: services.database.pool_stats))
    check = DatabaseCheck(services)
    registry.register(BuildMetrics(services.settings, check))
    health = WorkerHealth(check, status, registry)
    return metrics_listener(health.app(), services.settings)
