"""Whether the process lives, whether it can serve, and what it has measured."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from api.dependencies import Services, Starters, Waiters
from api.fields import Shape
from api.measures import Measures
from api.routes import GuardedRoute
from services import migrate
from services.bootstrap import House
from services.errors import MarketError, NotFound

router = APIRouter(tags=["Health"], route_class=GuardedRoute, include_in_schema=False)


class Alive(Shape):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Readiness(Shape):
    """Whether requests should come here; `degraded` still serves."""

    status: Literal["ready", "degraded", "unready"]
    database: Literal["ready", "away", "not-migrated"]
    temporal: Literal["ready", "away", "unknown"]


@router.get("/livez")
async def livez() -> Alive:
    """The event loop turns; nothing else is asked."""
    return Alive()


@router.get("/readyz")
def readyz(house: Services, starts: Starters, waiting: Waiters, response: Response) -> Readiness:
    """503 while the database is away or behind, or the process is going to stop."""
    database = _database(house)
    temporal = _temporal(starts.succeeding)
    if database != "ready" or waiting.draining:
        response.status_code = 503
        return Readiness(status="unready", database=database, temporal=temporal)
    return Readiness(status="degraded" if temporal == "away" else "ready", database=database, temporal=temporal)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Prometheus' text form; outside development only for this host itself."""
    house: House = request.app.state.house
    peer = request.client.host if request.client else ""
    if not house.settings.development and peer not in ("127.0.0.1", "::1"):
        raise NotFound("There is no such resource.")
    measures: Measures = request.app.state.measures
    return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _database(house: House) -> Literal["ready", "away", "not-migrated"]:
    try:
        return "ready" if migrate.is_at_head(house.sessions) else "not-migrated"
    except MarketError:
        return "away"


def _temporal(succeeding: bool | None) -> Literal["ready", "away", "unknown"]:
    # Judged by the last start of an order: no traffic is made only to ask.
    if succeeding is None:
        return "unknown"
    return "ready" if succeeding else "away"
