"""The log of webhook deliveries on the desk: what was sent to whom, every attempt, and "send again"."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiProblem
from web.desk.access import OperatorVisit
from web.desk.webhook_words import STATUSES, delivery_text, event_text, next_attempt_text, result_text
from web.desk.webhooks import MOST
from web.visit import Visit

PATH = "/desk/webhook-deliveries"
router = APIRouter(prefix=PATH)
#: Deliveries on one page.
PAGE = 50
_SHOWN = (409, 422, 429)


@router.get("")
async def deliveries(visit: OperatorVisit, endpoint: str = "", status: str = "", cursor: str = "") -> Response:
    """Deliveries of the last 30 days, newest first; of one endpoint or with one status, if asked for."""
    api = await visit.api()
    wanted: dict[str, str] = {"endpoint": endpoint if _is_id(endpoint) else ""}
    wanted["status"] = status if status in STATUSES else ""
    found, endpoints = await asyncio.gather(
        api.get(
            "/webhook-deliveries", endpointId=wanted["endpoint"], status=wanted["status"], cursor=cursor, limit=PAGE
        ),
        api.get("/webhook-endpoints", limit=MOST),
    )
    urls = {each["endpointId"]: each["url"] for each in endpoints["items"]}
    return visit.page(
        "desk/webhook_deliveries.html",
        deliveries=[_shown(visit, each, urls.get(each["endpointId"], "")) for each in found["items"]],
        next_cursor=found["nextCursor"],
        statuses=STATUSES,
        urls=urls,
        wanted=wanted,
    )


@router.get("/{delivery_id}")
async def delivery(visit: OperatorVisit, delivery_id: uuid.UUID, done: str = "") -> Response:
    """One delivery: its attempts and its body; `done` says that it was just sent again."""
    return await _page(visit, delivery_id, done=done)


@router.post("/{delivery_id}/redeliver")
async def redeliver(visit: OperatorVisit, delivery_id: uuid.UUID) -> Response:
    """Send it again now, with the same id and body."""
    try:
        await (await visit.api()).post(f"/webhook-deliveries/{delivery_id}/redeliver")
    except ApiProblem as problem:
        if problem.status not in _SHOWN:
            raise
        return await _page(visit, delivery_id, problem=problem)
    return visit.redirect(f"{PATH}/{delivery_id}", done="redeliver")


async def _page(visit: Visit, delivery_id: uuid.UUID, *, problem: ApiProblem | None = None, done: str = "") -> Response:
    api = await visit.api()
    found = await api.get(f"/webhook-deliveries/{delivery_id}")
    endpoint = await api.get(f"/webhook-endpoints/{found['endpointId']}")
    explained = problems.explain_as(problem, visit.texts, "webhooks.refused") if problem else None
    return visit.page(
        "desk/webhook_delivery.html",
        problem.status if problem else 200,
        endpoint=endpoint,
        delivery=_shown(visit, found, endpoint["url"]),
        attempts=[
            {**each, "text": result_text(each["responseStatus"], each["error"], visit.texts)} for each in found["log"]
        ],
        body=_indented(found["body"]),
        problem=explained,
        done=done,
    )


def _shown(visit: Visit, delivery: dict[str, Any], url: str) -> dict[str, Any]:
    return {
        "data": delivery,
        "url": url,
        "event": event_text(delivery["eventType"], visit.texts),
        "text": delivery_text(delivery, visit.texts),
        "next": next_attempt_text(delivery, visit.texts),
    }


def _indented(body: str) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return body


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
