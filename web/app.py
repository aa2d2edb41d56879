"""The pages as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from web import problems
from web.api_client import ApiProblem, ApiUnavailable, open_http
from web.dependencies import visit_of
from web.desk import actions as desk_actions
from web.desk import orders as desk_orders
from web.desk import overview as desk_overview
from web.desk import search as desk_search
from web.desk import webhook_deliveries as desk_webhook_deliveries
from web.desk import webhooks as desk_webhooks
from web.languages import LANGUAGES
from web.rendering import Renderer
from web.sandbox_client import open_sandbox
from web.security import Guard
from web.sessions import SessionCookies
from web.settings import WebSettings
from web.shop import account, basket, catalog, checkout, live, orders, sandbox_sign_in, second_factor, sign_in
from web.visit import SignInNeeded, Tools, local_path


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    return str(scope.get("path", "")).startswith("/static/")


#: Spans of pages and forms, where tracing is on. Not logs of exceptions: their texts carry values.
TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "exclude": _is_untraced,
}
STATIC = Path(__file__).parent / "static"
_log = structlog.get_logger("web")


def create_app(settings: WebSettings, http: httpx2.AsyncClient | None = None) -> Guard:
    """The application; `http` are its connections to the API: None opens those of the settings."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        cookies = SessionCookies(settings.web_secret)
        async with http or open_http(settings.api_url) as connections, open_sandbox(settings.sandbox_url) as sandbox:
            app.state.tools = Tools(settings, connections, cookies, Renderer(), sandbox)
            yield

    app = FastAPI(
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=TELEMETRY,
    )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for part in (catalog, basket, checkout, orders, live, sign_in, account, second_factor):
        app.include_router(part.router)
    for part in (desk_overview, desk_search, desk_orders, desk_actions, desk_webhooks, desk_webhook_deliveries):
        app.include_router(part.router)
    if settings.one_click:
        app.include_router(sandbox_sign_in.router)
    app.add_api_route("/language", _language, methods=["POST"])
    app.add_exception_handler(ApiProblem, _problem)
    app.add_exception_handler(ApiUnavailable, _unavailable)
    app.add_exception_handler(SignInNeeded, _sign_in)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _http_error)
    app.add_exception_handler(Exception, _http_error)
    return Guard(app, settings)


def routes_of(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Every page and form, by route and method."""
    for path, methods in app.openapi()["paths"].items():
        for method in methods:
            yield path, method.upper()


async def _language(request: Request) -> Response:
    """Change the language and return to the page."""
    visit = visit_of(request)
    form = await visit.form()
    if form.get("language") in LANGUAGES:
        visit.keep_language(form["language"])
    return visit.redirect(local_path(form.get("back")))


async def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, ApiProblem):
        raise error
    visit = visit_of(request)
    if error.slug in ("unauthenticated", "invalid-token"):
        visit.close_session()
        return visit.redirect("/sign-in", next=_back(request))
    return visit.page("problem.html", error.status, problem=problems.explain(error, visit.texts))


async def _unavailable(request: Request, _: Exception) -> Response:
    _log.warning("web.api_unavailable", path=request.url.path)
    visit = visit_of(request)
    problem = problems.explain(ApiProblem({"type": "service-unavailable", "status": 503}), visit.texts)
    return visit.page("problem.html", 503, problem=problem)


async def _sign_in(request: Request, _: Exception) -> Response:
    return visit_of(request).redirect("/sign-in", next=_back(request))


async def _http_error(request: Request, error: Exception) -> Response:
    """A path that does not exist or holds no id is a page that does not exist; everything else is our fault."""
    if isinstance(error, HTTPException):
        status = error.status_code
    else:
        status = 404 if isinstance(error, RequestValidationError) else 500
    slug = "not-found" if status in (404, 405) else "internal-error"
    visit = visit_of(request)
    problem = problems.explain(ApiProblem({"type": slug, "status": status}), visit.texts)
    return visit.page("problem.html", status, problem=problem)


def _back(request: Request) -> str:
    """Where to go after the sign-in: the page that was asked for, never a form's address."""
    if request.method != "GET":
        return local_path(request.headers.get("referer", "").partition(request.headers.get("host", "?"))[2])
    return request.url.path
