"""Liveness, readiness and metrics; the public sees a status only."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

from fastapi import FastAPI, Request, Response

from api.access.operation_router import OperationRouter
from api.middleware import RequestMiddleware
from api.ops.database_check import DatabaseState, is_usable
from api.ops.metrics import HttpMetrics
from api.problems import problem_details
from api.requests.fields import Shape
from api.state import set_state, state_of
from services.errors import NotFound

router = OperationRouter(tags=["Health"], include_in_schema=False)


class Alive(Shape):
    """The process responds."""

    status: Literal["alive"] = "alive"


class Readiness(Shape):
    """Whether this process should get requests; a degraded one should."""

    status: Literal["ready", "degraded", "unready"]


class Detailed(Readiness):
    """Readiness with the state of database and Temporal."""

    database: DatabaseState
    temporal: Literal["ready", "away", "unknown"]


@router.get("/livez")
async def livez() -> Alive:
    """Responds as long as the event loop runs; checks nothing else."""
    return Alive()


@router.get("/readyz")
def readyz(request: Request, response: Response) -> Detailed | Readiness:
    """503 while the database is unavailable or not migrated, or the process shuts down."""
    state = state_of(request.app)
    database, temporal = state.database_check.state(), _temporal(state.order_starts.succeeding)
    status: Literal["ready", "degraded", "unready"] = "degraded" if temporal == "away" else "ready"
    if not is_usable(database) or state.shutdown.begun:
        response.status_code, status = 503, "unready"
    if not _shows_details(request):
        return Readiness(status=status)
    return Detailed(status=status, database=database, temporal=temporal)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Metrics in Prometheus' text format; served also while all threads of handlers are busy."""
    if not _shows_details(request):
        raise NotFound("There is no such resource.")
    text = await asyncio.to_thread(state_of(request.app).metrics.text)
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def internal(app: FastAPI) -> FastAPI:
    """The application of METRICS_PORT: the health of `app` in full, for clients that can reach that port."""
    internal_app = FastAPI(
        openapi_url=None, redirect_slashes=False, telemetry={"auto_configure": False, "tracing": False}
    )
    set_state(internal_app, replace(state_of(app), internal=True))
    problem_details.install(internal_app)
    internal_app.include_router(router)
    internal_app.add_middleware(RequestMiddleware, metrics=HttpMetrics(), hsts=False)
    return internal_app


def _shows_details(request: Request) -> bool:
    # Not by the peer's address: behind a proxy on this machine every request comes from the loopback.
    state = state_of(request.app)
    return state.internal or state.services.settings.development


def _temporal(succeeding: bool | None) -> Literal["ready", "away", "unknown"]:
    # Known from the last start of an order: no request is sent to Temporal for the check.
    if succeeding is None:
        return "unknown"
    return "ready" if succeeding else "away"
