"""Pages for people: the inbox, the provider's ledger, the test cards, and the page that confirms a payment."""

from pathlib import Path
from urllib.parse import parse_qs

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.standins.controls import ledger_items, selection
from sandbox.standins.inbox.messages import Channel, Inbox, Selection
from sandbox.standins.provider.ledger import Payment, Status
from sandbox.standins.provider.provider import Provider
from sandbox.standins.provider.test_cards import known_scripts
from sandbox.standins.provider.yookassa_json import Refusal

HERE = Path(__file__).parent
NEWEST = 100
# A mail's own styles and pictures inside it are shown; nothing is loaded from elsewhere, no script but ours runs.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Pages:
    """What a browser is shown."""

    def __init__(self, inbox: Inbox, provider: Provider) -> None:
        self.inbox = inbox
        self.provider = provider
        loader = jinja2.FileSystemLoader(HERE / "templates")
        self.templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    def routes(self) -> list[BaseRoute]:
        """The paths and what answers them."""
        return [
            Route("/", self.show_inbox),
            Route("/messages", self.show_new_messages),
            Route("/ledger.html", self.show_ledger),
            Route("/scripts.html", self.show_scripts),
            Route("/confirm/{id}", self.ask, methods=["GET"]),
            Route("/confirm/{id}", self.decide, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    def _page(self, name: str, status: int = 200, headers: dict[str, str] | None = None, **values: object) -> Response:
        html = self.templates.get_template(name).render(**values)
        return HTMLResponse(html, status, headers=HEADERS | (headers or {}))

    async def show_inbox(self, request: Request) -> Response:
        """Messages, newest first; `to` is a part of the recipient here."""
        wanted = _by_part(selection(request))
        messages = self.inbox.find(wanted, NEWEST)[::-1]
        total = self.inbox.count(wanted)
        return self._page("inbox.html", wanted=wanted, messages=messages, total=total, channels=list(Channel))

    async def show_new_messages(self, request: Request) -> Response:
        """The messages after an id as a piece of the page; `X-Total` counts all that the filter lets through."""
        wanted = _by_part(selection(request))
        total = self.inbox.count(Selection(channel=wanted.channel, part=wanted.part))
        messages = self.inbox.find(wanted, NEWEST)[::-1]
        return self._page("messages.html", headers={"X-Total": str(total)}, messages=messages)

    async def show_ledger(self, request: Request) -> Response:
        """The provider's payments, newest first, of one `reference` or the latest of all."""
        reference = request.query_params.get("reference") or None
        items = ledger_items(self.provider.ledger, reference, NEWEST)[::-1]
        return self._page("ledger.html", items=items, reference=reference or "", newest=NEWEST)

    async def show_scripts(self, _request: Request) -> Response:
        """The test cards and phones."""
        return self._page("scripts.html", scripts=known_scripts())

    async def ask(self, request: Request) -> Response:
        """Asks the buyer to approve or decline a payment."""
        return self._about_payment(request)

    async def decide(self, request: Request) -> Response:
        """Takes the buyer's answer and sends them back to the shop, if it said where that is."""
        answer = parse_qs((await request.body()).decode(errors="replace")).get("decision", [""])[0]
        if answer not in ("approve", "decline"):
            return JSONResponse({"detail": "decision is approve or decline"}, 400)
        try:
            payment = self.provider.decide(request.path_params["id"], answer == "approve")
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status)
        return RedirectResponse(payment.return_url or request.url.path, 303)

    def _about_payment(self, request: Request) -> Response:
        try:
            payment = self.provider.payment(request.path_params["id"])
        except Refusal as refusal:
            return JSONResponse(refusal.body, refusal.status)
        return self._page("confirm.html", payment=payment, state=_state(payment))


def _by_part(wanted: Selection) -> Selection:
    return Selection(channel=wanted.channel, after=wanted.after, part=wanted.to)


def _state(payment: Payment) -> str:
    return {Status.PENDING: "open", Status.SUCCEEDED: "approved", Status.CANCELED: "declined"}[payment.status]
