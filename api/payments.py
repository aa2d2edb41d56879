"""Payments over REST: what the providers themselves send."""

from __future__ import annotations

import hashlib
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.concurrency import run_in_threadpool

from api.dependencies import Services
from api.fields import Shape
from api.routes import GuardedRoute

router = APIRouter(prefix="/payments", tags=["Payments"], route_class=GuardedRoute)


class Taken(Shape):
    """A message was taken."""

    status: str = "accepted"


@router.post("/webhooks/{gateway}", operation_id="receiveGatewayWebhook", summary="A payment provider's own webhook")
async def receive_gateway_webhook(
    request: Request, gateway: Annotated[str, Path(pattern="^[a-z]{1,32}$")], house: Services
) -> Taken:
    """A hint only: the provider is asked before anything depends on it. 404 has the provider send it again."""
    body = await request.body()
    source = request.client.host if request.client else ""
    headers = dict(request.headers)

    def take() -> None:
        received = house.payments.receive_webhook(gateway, headers, body, source)
        if received is not None:
            # Also when it is not fresh: the first time may have ended between these two.
            house.orders.notice_payment(received.order_id, received.payment_id, _key(gateway, body))

    await run_in_threadpool(take)
    return Taken()


def _key(gateway: str, body: bytes) -> str:
    return f"{gateway}:{hashlib.sha256(body).hexdigest()[:32]}"
