"""Liveness, readiness and metrics; the public sees a status only."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from fastapi import APIRouter, FastAPI, Request, Response

from api.access.guarded_route import GuardedRoute
from api.middleware import Edge
from api.ops.metrics import HttpMetrics
from api.problems import problem_details
from api.requests.fields import Shape
from api.state import set_state, state_of
from services import migrate
from services.bootstrap import Services
from services.errors import MarketError, NotFound

router = APIRouter(tags=["Health"], route_class=GuardedRoute, include_in_schema=False)


class Alive(Shape):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(Shape):
    """Whether requests should come here; `degraded` still serves."""

    status: Literal["ready", "degraded", "unready"]


class Detailed(Readiness):
    """The same, and why."""

    database: Literal["ready", "away", "not-migrated"]
    temporal: Literal["ready", "away", "unknown"]


@router.get("/livez")
async def livez() -> Alive:
    """The event loop turns; nothing else is asked."""
    return Alive()


@router.get("/readyz")
def readyz(request: Request, response: Response) -> Detailed | Readiness:
    """503 while the database is away or behind, or the process is going to stop."""
    state = state_of(request.app)
    database, temporal = _database(state.services), _temporal(state.order_starts.succeeding)
    status: Literal["ready", "degraded", "unready"] = "degraded" if temporal == "away" else "ready"
    if database != "ready" or state.long_polling.draining:
        response.status_code, status = 503, "unready"
    if not _inside(request):
        return Readiness(status=status)
    return Detailed(status=status, database=database, temporal=temporal)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus' text form."""
    if not _inside(request):
        raise NotFound("There is no such resource.")
    return Response(state_of(request.app).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def internal(app: FastAPI) -> FastAPI:
    """The application of METRICS_PORT: the health of `app` in full, for clients that can reach that port."""
    beside = FastAPI(openapi_url=None, redirect_slashes=False, telemetry={"auto_configure": False})
    set_state(beside, replace(state_of(app), internal=True))
    problem_details.install(beside)
    beside.include_router(router)
    beside.add_middleware(Edge, metrics=HttpMetrics(), hsts=False)
    return beside


def _inside(request: Request) -> bool:
    # Not by the peer's address: a proxy on this machine brings everybody in from the loopback.
    state = state_of(request.app)
    return state.internal or state.services.settings.development


def _database(services: Services) -> Literal["ready", "away", "not-migrated"]:
    try:
        return "ready" if migrate.is_at_head(services.sessions) else "not-migrated"
    except MarketError:
        return "away"


def _temporal(succeeding: bool | None) -> Literal["ready", "away", "unknown"]:
    # Judged by the last start of an order: no traffic is made only to ask.
    if succeeding is None:
        return "unknown"
    return "ready" if succeeding else "away"
