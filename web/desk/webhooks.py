"""Webhook endpoints on the desk: where other systems of the shop learn what happens to orders."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiClient, ApiProblem
from web.desk.access import OperatorVisit
from web.desk.webhook_words import EVENTS, event_text, state_of
from web.visit import Visit, key_of

PATH = "/desk/webhooks"
router = APIRouter(prefix=PATH)
#: The API takes at most this many endpoints, so one page has all.
MOST = 20
#: Hours for which the secret before a rotation signs as well; the first one is selected.
OVERLAPS = (24, 1, 72, 168, 0)
#: Hours of whose events the failed messages are sent again; deliveries are kept for 30 days.
PERIODS = (24, 1, 72, 720)
_SHOWN = (409, 422, 429)
_Send = Callable[[ApiClient, Mapping[str, str]], Awaitable[Any]]


@router.get("")
async def endpoints(visit: OperatorVisit, done: str = "") -> Response:
    """Every endpoint with its state, and the form of a new one."""
    return await _list(visit, done=done)


@router.post("")
async def add(visit: OperatorVisit) -> Response:
    """Add an endpoint; its secret is shown on this page only."""
    form = await visit.form()
    body = {"url": form.get("url", "").strip(), "description": form.get("description", ""), "eventTypes": chosen(form)}
    api = await visit.api()
    try:
        made = await api.post("/webhook-endpoints", body, key=key_of(form))
    except ApiProblem as problem:
        if problem.status not in _SHOWN:
            raise
        return await _list(visit, form=form, problem=problem)
    return await _page(visit, uuid.UUID(made["endpointId"]), made=made, done="add")


@router.get("/{endpoint_id}")
async def endpoint(visit: OperatorVisit, endpoint_id: uuid.UUID, done: str = "") -> Response:
    """One endpoint and what can be done with it; `done` names what the operator has just done."""
    return await _page(visit, endpoint_id, done=done)


@router.post("/{endpoint_id}/change")
async def change(visit: OperatorVisit, endpoint_id: uuid.UUID) -> Response:
    """Change its address, its description and what it is sent."""

    async def send(api: ApiClient, form: Mapping[str, str]) -> Any:
        body = {"url": form.get("url", "").strip(), "description": form.get("description", "")}
        return await api.send("PATCH", f"/webhook-endpoints/{endpoint_id}", json={**body, "eventTypes": chosen(form)})

    return await _act(visit, endpoint_id, "change", send)


@router.post("/{endpoint_id}/enable")
async def enable(visit: OperatorVisit, endpoint_id: uuid.UUID) -> Response:
    """Let it take messages again, and forget its failures."""
    return await _act(visit, endpoint_id, "enable", _switch(endpoint_id, enabled=True))


@router.post("/{endpoint_id}/disable")
async def disable(visit: OperatorVisit, endpoint_id: uuid.UUID) -> Response:
    """Let it take no more messages; what waits and what comes is skipped."""
    return await _act(visit, endpoint_id, "disable", _switch(endpoint_id, enabled=False))


@router.post("/{endpoint_id}/secret")
async def rotate(visit: OperatorVisit, endpoint_id: uuid.UUID) -> Response:
    """Make another secret, which is shown on this page only."""
    form = await visit.form()
    api = await visit.api()
    body = {"overlapHours": _hours(form.get("hours"), OVERLAPS)}
    made = await api.post(f"/webhook-endpoints/{endpoint_id}/secret", body, key=key_of(form))
    return await _page(visit, endpoint_id, made=made, done="rotate")


@router.post("/{endpoint_id}/redeliver")
async def redeliver(visit: OperatorVisit, endpoint_id: uuid.UUID) -> Response:
    """Send again what failed or was skipped."""

    async def send(api: ApiClient, form: Mapping[str, str]) -> Any:
        since = datetime.now(UTC) - timedelta(hours=_hours(form.get("hours"), PERIODS))
        return await api.post(f"/webhook-endpoints/{endpoint_id}/redeliver", {"since": since.isoformat()})

    return await _act(visit, endpoint_id, "redeliver", send)


@router.post("/{endpoint_id}/delete")
async def delete(visit: OperatorVisit, endpoint_id: uuid.UUID) -> Response:
    """Delete it with its delivery log."""
    await (await visit.api()).send("DELETE", f"/webhook-endpoints/{endpoint_id}")
    return visit.redirect(PATH, done="delete")


def chosen(form: Mapping[str, str]) -> list[str]:
    """The types of events that are checked."""
    return [each for each in EVENTS if form.get(each)]


def _hours(typed: str | None, allowed: tuple[int, ...]) -> int:
    return next((hours for hours in allowed if typed == str(hours)), allowed[0])


def _switch(endpoint_id: uuid.UUID, *, enabled: bool) -> _Send:
    async def send(api: ApiClient, _: Mapping[str, str]) -> Any:
        return await api.send("PATCH", f"/webhook-endpoints/{endpoint_id}", json={"enabled": enabled})

    return send


async def _act(visit: Visit, endpoint_id: uuid.UUID, done: str, send: _Send) -> Response:
    form = await visit.form()
    try:
        answer = await send(await visit.api(), form)
    except ApiProblem as problem:
        if problem.status not in _SHOWN:
            raise
        return await _page(visit, endpoint_id, form=form if done == "change" else None, problem=problem)
    count = {"count": str(answer["redelivered"])} if done == "redeliver" else {}
    return visit.redirect(f"{PATH}/{endpoint_id}", done=done, **count)


async def _list(
    visit: Visit, *, form: Mapping[str, str] | None = None, problem: ApiProblem | None = None, done: str = ""
) -> Response:
    found = await (await visit.api()).get("/webhook-endpoints", limit=MOST)
    return visit.page(
        "desk/webhooks.html",
        problem.status if problem else 200,
        endpoints=[{"data": each, "state": state_of(each, visit.texts)} for each in found["items"]],
        form={"url": "", "description": "", **(form or {})},
        chosen=chosen(form) if form else EVENTS,
        events=_events(visit),
        problem=_explained(visit, problem),
        key=str(uuid.uuid4()),
        done=done,
    )


async def _page(
    visit: Visit,
    endpoint_id: uuid.UUID,
    *,
    form: Mapping[str, str] | None = None,
    made: Mapping[str, Any] | None = None,
    problem: ApiProblem | None = None,
    done: str = "",
) -> Response:
    found = await (await visit.api()).get(f"/webhook-endpoints/{endpoint_id}")
    count = visit.request.query_params.get("count", "")
    return visit.page(
        "desk/webhook.html",
        problem.status if problem else 200,
        endpoint=found,
        state=state_of(found, visit.texts),
        form={"url": found["url"], "description": found["description"], **(form or {})},
        chosen=chosen(form) if form else found["eventTypes"],
        events=_events(visit),
        overlaps=OVERLAPS,
        periods=PERIODS,
        made=made,
        problem=_explained(visit, problem),
        key=str(uuid.uuid4()),
        done=done,
        count=int(count) if count.isdecimal() and len(count) < 10 else 0,
    )


def _events(visit: Visit) -> dict[str, str]:
    return {each: event_text(each, visit.texts) for each in EVENTS}


def _explained(visit: Visit, problem: ApiProblem | None) -> problems.Explained | None:
    return problems.explain_as(problem, visit.texts, "webhooks.refused") if problem else None
