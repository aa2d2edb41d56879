"""HTTP operations that set webhook faults."""

import json
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.standins.provider.webhook_faults import MAX_COPIES, MAX_DELAY, FaultScope, WebhookFaults
from sandbox.standins.provider.webhooks import Webhooks

SWITCHES = ("generic", "lose", "reorder")
KNOWN = {field.name for kind in (WebhookFaults, FaultScope) for field in fields(kind)}


class BadRequest(Exception):
    """An invalid body; the message is returned to the caller."""


class WebhookControls:
    """The operations on `/webhooks`."""

    def __init__(self, webhooks: Webhooks) -> None:
        self.webhooks = webhooks

    def routes(self) -> list[Route]:
        """The paths and their handlers."""
        return [
            Route("/webhooks", self.show, methods=["GET"]),
            Route("/webhooks", self.set_faults, methods=["POST"]),
            Route("/webhooks", self.clear, methods=["DELETE"]),
        ]

    async def show(self, _request: Request) -> Response:
        """Return the rules; `reference` and `script` are both null in the rule for all payments."""
        rules = {FaultScope(): self.webhooks.fault_rules.default} | self.webhooks.fault_rules.rules
        return JSONResponse({"items": [asdict(scope) | asdict(faults) for scope, faults in rules.items()]})

    async def set_faults(self, request: Request) -> Response:
        """Set the faults of one `reference` (our payment), of one `script` (a card or phone) or of all payments."""
        try:
            scope, faults = _read(await request.body(), self.webhooks.fault_rules.default.generic)
            if faults.generic and not self.webhooks.can_sign:
                raise BadRequest("signed webhooks need NOTIFY_URL and PAYMENT_WEBHOOK_SECRETS")
        except BadRequest as bad:
            return JSONResponse({"detail": str(bad)}, 400)
        self.webhooks.fault_rules.set(scope, faults)
        return Response(status_code=204)

    async def clear(self, _request: Request) -> Response:
        """Remove all rules."""
        self.webhooks.fault_rules.clear()
        return Response(status_code=204)


def _read(body: bytes, default: bool) -> tuple[FaultScope, WebhookFaults]:
    try:
        given: Any = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not set(given) <= KNOWN:
        raise BadRequest(f"the body is a JSON object with the members {', '.join(sorted(KNOWN))}")
    scope = {name: given[name] for name in ("reference", "script") if given.get(name) is not None}
    if len(scope) > 1 or not all(isinstance(value, str) for value in scope.values()):
        raise BadRequest("reference and script are strings, and only one of them may be given")
    if not all(isinstance(given.get(name, False), bool) for name in SWITCHES):
        raise BadRequest(f"{', '.join(SWITCHES)} are true or false")
    switches = {name: given[name] for name in SWITCHES if name in given}
    copies, delay = _number(given, "duplicate", MAX_COPIES), _number(given, "delay", MAX_DELAY)
    return FaultScope(**scope), WebhookFaults(**{"generic": default} | switches, duplicate=int(copies), delay=delay)


def _number(given: dict[str, Any], name: str, maximum: float) -> float:
    value = given.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= maximum:
        raise BadRequest(f"{name} is a number from 0 to {maximum:g}")
    return float(value)
