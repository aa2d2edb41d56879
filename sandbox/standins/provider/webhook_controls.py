"""The sandbox's operations on webhooks: which kind goes out, and what becomes of them on their way."""

import json
from dataclasses import asdict, fields
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.standins.provider.webhook_faults import LONGEST_DELAY, MOST_COPIES, Manner, Whose
from sandbox.standins.provider.webhooks import Webhooks

SWITCHES = ("generic", "lose", "reorder")
KNOWN = {field.name for kind in (Manner, Whose) for field in fields(kind)}


class BadRequest(Exception):
    """A body that says nothing sensible; its text goes to the caller."""


class WebhookControls:
    """What tests and the curious ask for."""

    def __init__(self, webhooks: Webhooks) -> None:
        self.webhooks = webhooks

    def routes(self) -> list[Route]:
        """The paths and what answers them."""
        return [
            Route("/webhooks", self.show, methods=["GET"]),
            Route("/webhooks", self.ask, methods=["POST"]),
            Route("/webhooks", self.forget, methods=["DELETE"]),
        ]

    async def show(self, _request: Request) -> Response:
        """What was asked for; `reference` and `script` are both null for everybody."""
        asked = {Whose(): self.webhooks.manners.usual} | self.webhooks.manners.asked
        return JSONResponse({"items": [asdict(whose) | asdict(manner) for whose, manner in asked.items()]})

    async def ask(self, request: Request) -> Response:
        """So go out webhooks of `reference` (our payment), of `script` (a card or phone) or of all from now on."""
        try:
            whose, manner = _read(await request.body(), self.webhooks.manners.usual.generic)
            if manner.generic and not self.webhooks.can_sign:
                raise BadRequest("signed webhooks need NOTIFY_URL and PAYMENT_WEBHOOK_SECRETS")
        except BadRequest as bad:
            return JSONResponse({"detail": str(bad)}, 400)
        self.webhooks.manners.ask(whose, manner)
        return Response(status_code=204)

    async def forget(self, _request: Request) -> Response:
        """Back to the beginning."""
        self.webhooks.manners.forget()
        return Response(status_code=204)


def _read(body: bytes, usual: bool) -> tuple[Whose, Manner]:
    try:
        given: Any = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict) or not set(given) <= KNOWN:
        raise BadRequest(f"a JSON object of {', '.join(sorted(KNOWN))}")
    whose = {name: given[name] for name in ("reference", "script") if given.get(name) is not None}
    if len(whose) > 1 or not all(isinstance(value, str) for value in whose.values()):
        raise BadRequest("reference or script is a text, and only one of them is given")
    if not all(isinstance(given.get(name, False), bool) for name in SWITCHES):
        raise BadRequest(f"{', '.join(SWITCHES)} are true or false")
    switches = {name: given[name] for name in SWITCHES if name in given}
    copies, delay = _number(given, "duplicate", MOST_COPIES), _number(given, "delay", LONGEST_DELAY)
    return Whose(**whose), Manner(**{"generic": usual} | switches, duplicate=int(copies), delay=delay)


def _number(given: dict[str, Any], name: str, most: float) -> float:
    value = given.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise BadRequest(f"{name} is a number from 0 to {most:g}")
    return float(value)
