"""What operators do with an order; each form says its consequences, and its Idempotency-Key makes it act once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web.api_client import ApiProblem
from web.desk.access import OperatorVisit
from web.desk.order_view import same_amount
from web.desk.orders import order_page, read_order
from web.desk.words import RECOVERED
from web.problems import Explained
from web.visit import Visit, key_of

router = APIRouter(prefix="/desk/orders")
#: Refusals that are shown on the order's page.
_SHOWN = (409, 422, 429)


@router.post("/{order_id}/resolve")
async def resolve(visit: OperatorVisit, order_id: uuid.UUID) -> Response:
    """Try a stuck step again, take it as done by hand, or write its money off."""
    form = await visit.form()
    action, step = form.get("action", ""), form.get("step", "")
    body = {"action": action, "step": step}
    if action == "mark_done":
        body["reference"] = form.get("reference", "")
    if action == "write_off":
        body["reason"] = form.get("reason", "")
        if not await _confirmed(visit, order_id, step, form.get("amount", "")):
            return await order_page(visit, order_id, problem=_not_confirmed(visit))
    refused = None
    if step in RECOVERED:
        refused = Explained("invalid-transition", visit.texts("desk.not_retried"), visit.texts(f"desk.advice.{step}"))
    return await _act(visit, order_id, f"/orders/{order_id}/resolve", body, action, form, refused)


@router.post("/{order_id}/cancel")
async def cancel(visit: OperatorVisit, order_id: uuid.UUID) -> Response:
    """Cancel the order: goods are released, money is returned."""
    form = await visit.form()
    body = {"reason": form["reason"]} if form.get("reason", "").strip() else {}
    return await _act(visit, order_id, f"/orders/{order_id}/cancel", body, "cancel", form)


@router.post("/{order_id}/refund")
async def refund(visit: OperatorVisit, order_id: uuid.UUID) -> Response:
    """Return a part or all of the money of a confirmed order."""
    form = await visit.form()
    body: dict[str, Any] = {
        "orderId": str(order_id),
        "paymentId": form.get("payment", ""),
        "amount": "".join(form.get("amount", "").split()).replace(",", "."),
    }
    if form.get("restock"):
        body["restock"] = True
    return await _act(visit, order_id, "/refunds", body, "refund", form)


async def _act(
    visit: Visit,
    order_id: uuid.UUID,
    path: str,
    body: Mapping[str, Any],
    done: str,
    form: Mapping[str, str],
    refused: Explained | None = None,
) -> Response:
    """`refused`: what 409 means here, when it is not what it means elsewhere."""
    api = await visit.api()
    try:
        await api.post(path, body, key=key_of(form))
    except ApiProblem as problem:
        if problem.status not in _SHOWN:
            raise
        return await order_page(visit, order_id, problem=refused if refused and problem.status == 409 else problem)
    return visit.redirect(f"/desk/orders/{order_id}", done=done)


async def _confirmed(visit: Visit, order_id: uuid.UUID, step: str, typed: str) -> bool:
    """Whether the operator typed the amount that is written off, as it is now."""
    stuck = (await read_order(await visit.api(), order_id)).stuck_at(step)
    return stuck is not None and stuck.can_write_off and same_amount(typed, stuck.kept or "")


def _not_confirmed(visit: Visit) -> Explained:
    title, what_to_do = visit.texts("desk.amount_differs"), visit.texts("desk.amount_differs_do")
    return Explained("amount-mismatch", title, what_to_do)
