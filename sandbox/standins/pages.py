"""HTML pages: the inbox, the provider's ledger, the test cards, and the payment confirmation page."""

from pathlib import Path
from urllib.parse import parse_qs

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.standins import confirmation
from sandbox.standins.controls import ledger_items, message_filter
from sandbox.standins.inbox.messages import Channel, Inbox, MessageFilter
from sandbox.standins.provider.provider import Provider
from sandbox.standins.provider.test_cards import known_test_cards
from sandbox.standins.provider.yookassa_json import ApiError
from web.formatting import money

HERE = Path(__file__).parent
PAGE_SIZE = 100
# Inline styles and embedded images of a mail are shown; nothing is loaded from other hosts, only our own scripts run.
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers without Sec-Fetch-Site would send the forms of these pages with `Origin: null`.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Pages:
    """The sandbox's HTML pages."""

    def __init__(self, inbox: Inbox, provider: Provider) -> None:
        self.inbox = inbox
        self.provider = provider
        loader = jinja2.FileSystemLoader(HERE / "templates")
        self.templates = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    def routes(self) -> list[BaseRoute]:
        """The paths and their handlers."""
        return [
            Route("/", self.show_inbox),
            Route("/messages", self.show_new_messages),
            Route("/ledger.html", self.show_ledger),
            Route("/scripts.html", self.show_test_cards),
            Route("/confirm/{id}", self.show_confirmation, methods=["GET"]),
            Route("/confirm/{id}", self.confirm, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]

    def _render(
        self, name: str, status: int = 200, headers: dict[str, str] | None = None, **values: object
    ) -> Response:
        html = self.templates.get_template(name).render(**values)
        return HTMLResponse(html, status, headers=HEADERS | (headers or {}))

    async def show_inbox(self, request: Request) -> Response:
        """The inbox, newest message first; `to` matches any part of the recipient."""
        filter_ = _by_part(message_filter(request))
        messages = self.inbox.find(filter_, PAGE_SIZE)[::-1]
        total = self.inbox.count(filter_)
        return self._render("inbox.html", filter=filter_, messages=messages, total=total, channels=list(Channel))

    async def show_new_messages(self, request: Request) -> Response:
        """New messages after an id as an HTML fragment; `X-Total` counts all messages that match the filter."""
        filter_ = _by_part(message_filter(request))
        total = self.inbox.count(MessageFilter(channel=filter_.channel, part=filter_.part))
        messages = self.inbox.find(filter_, PAGE_SIZE)[::-1]
        return self._render("messages.html", headers={"X-Total": str(total)}, messages=messages)

    async def show_ledger(self, request: Request) -> Response:
        """The provider's payments, newest first: of one `reference`, or the latest of all."""
        reference = request.query_params.get("reference") or None
        items = ledger_items(self.provider.ledger, reference, PAGE_SIZE)[::-1]
        return self._render("ledger.html", items=items, reference=reference or "", newest=PAGE_SIZE)

    async def show_test_cards(self, _request: Request) -> Response:
        """The test cards and test phones."""
        return self._render("test_cards.html", test_cards=known_test_cards())

    async def show_confirmation(self, request: Request) -> Response:
        """Ask the buyer to approve or decline a payment."""
        return self._confirmation_page(request)

    async def confirm(self, request: Request) -> Response:
        """Record the buyer's decision and redirect to the shop's return URL, if there is one."""
        answer = parse_qs((await request.body()).decode(errors="replace")).get("decision", [""])[0]
        if answer not in ("approve", "decline"):
            return JSONResponse({"detail": "decision is approve or decline"}, 400)
        try:
            payment = self.provider.decide(request.path_params["id"], answer == "approve")
        except ApiError as error:
            return JSONResponse(error.body, error.status)
        return RedirectResponse(payment.return_url or request.url.path, 303)

    def _confirmation_page(self, request: Request) -> Response:
        try:
            payment = self.provider.payment(request.path_params["id"])
        except ApiError as error:
            return JSONResponse(error.body, error.status)
        language = confirmation.language(request.cookies, request.headers.get("accept-language"))
        amount = money(payment.value, payment.currency, language)
        texts = confirmation.texts(language)
        return self._render("confirm.html", payment=payment, amount=amount, language=language, t=texts)


def _by_part(filter_: MessageFilter) -> MessageFilter:
    return MessageFilter(channel=filter_.channel, after=filter_.after, part=filter_.to)
