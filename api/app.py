"""The application: the routers of the services, the middleware, and the shared state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from api.access.operation_router import OperationRouter
from api.access.operations import BASE
from api.access.rate_limits import OperationLimits
from api.catalog import admin as catalog_admin
from api.catalog import routes as catalog_routes
from api.catalog import stock as catalog_stock
from api.docs import openapi, problem_pages, start_page, swagger
from api.identity import (
    account,
    jwks,
    password_reset,
    personal_data,
    registration,
    search,
    second_factor,
    sign_in,
    verification,
)
from api.identity.password_queue import PasswordThreads
from api.middleware import RequestMiddleware
from api.notifications import routes as notifications_routes
from api.ops import health, overview
from api.ops.build_metrics import BuildMetrics
from api.ops.database_check import DatabaseCheck
from api.ops.invariants import InvariantMetrics
from api.ops.metrics import HttpMetrics
from api.ops.pool_metrics import PoolMetrics
from api.orders import actions, comparison, paying, resolution, return_page, timeline
from api.orders import routes as orders_routes
from api.orders.retrying import OrderRetries
from api.orders.starting import WorkflowStarter, WorkflowStarts
from api.orders.streams import OrderStreams
from api.orders.waiting import LongPolling
from api.payments import refunds, webhooks
from api.payments import routes as payments_routes
from api.problems import problem_details, validation
from api.requests.client_address import TrustedProxies
from api.requests.cursors import Cursors
from api.reservations import routes as reservations_routes
from api.shutdown import Shutdown
from api.state import AppState, set_state
from api.webhooks import deliveries as webhook_deliveries
from api.webhooks import endpoints as webhook_endpoints
from services.bootstrap import Services
from services.settings import Settings


def _is_untraced(scope: MutableMapping[str, Any]) -> bool:
    return not str(scope.get("path", "")).startswith(f"{BASE}/")


#: Spans of operations, where tracing is on. Not logs of exceptions: their texts carry values.
TELEMETRY: TelemetryConfig = {
    "auto_configure": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "exclude": _is_untraced,
}
#: The routers of each service, by its name in API_SERVICES.
_SERVICES: dict[str, tuple[OperationRouter, ...]] = {
    "identity": (
        registration.router,
        sign_in.router,
        verification.router,
        password_reset.router,
        account.router,
        second_factor.router,
        personal_data.router,
        search.router,
    ),
    "catalog": (catalog_routes.router, catalog_admin.router, catalog_stock.router),
    "orders": (
        orders_routes.router,
        actions.router,
        paying.router,
        timeline.router,
        resolution.router,
        comparison.router,
    ),
    "reservations": (reservations_routes.router,),
    "payments": (
        payments_routes.router,
        webhooks.router,
        webhooks.status_router,
        webhooks.gateway_router,
        refunds.router,
    ),
    "notifications": (notifications_routes.router,),
    "webhooks": (webhook_endpoints.router, webhook_deliveries.router),
}


def create_app(
    services: Services, starter: WorkflowStarter | None = None, retries: OrderRetries | None = None
) -> FastAPI:
    """The application over these services; without a starter the outbox relay starts the workflows of orders.

    Raises ValueError when API_SERVICES names an unknown service.
    """
    settings, state = services.settings, _state(services, starter, retries)
    app = FastAPI(
        title="Marketplace Orders",
        version="1",
        description=openapi.DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(state),
        telemetry=TELEMETRY,
    )
    set_state(app, state)
    problem_details.install(app)
    validation.install(app)
    routers = [router for name in _served(settings.api_services) for router in _SERVICES[name]]
    for router in _chosen([*routers, overview.router], settings):
        app.include_router(router, prefix=BASE)
    for router in (health.router, jwks.router, problem_pages.router, return_page.router):
        app.include_router(router)
    if settings.docs_on:
        for router in (swagger.router, start_page.router):
            app.include_router(router)
    origins = settings.cors_origin_set
    app.add_middleware(RequestMiddleware, metrics=state.metrics, hsts=not settings.development, origins=origins)
    openapi.install(app, BASE)
    return app


def _chosen(routers: Sequence[OperationRouter], settings: Settings) -> Sequence[OperationRouter]:
    """What API_OPERATIONS leaves of these routers."""
    if settings.api_operations == "all":
        return routers
    return [router.only(internal=settings.api_operations == "internal") for router in routers]


def _state(services: Services, starter: WorkflowStarter | None, retries: OrderRetries | None) -> AppState:
    settings, metrics = services.settings, HttpMetrics()
    check = DatabaseCheck(services)
    metrics.registry.register(BuildMetrics(settings, check))
    metrics.registry.register(InvariantMetrics(services.invariant_results))
    metrics.registry.register(PoolMetrics(lambda: services.database.pool_stats))
    return AppState(
        services=services,
        starter=starter,
        retries=retries,
        cursors=Cursors(settings.secrets_key),
        metrics=metrics,
        password_threads=PasswordThreads(),
        proxies=TrustedProxies(settings.trusted_proxies),
        limits=OperationLimits(services.limits, settings.rate_limit_factor),
        long_polling=LongPolling(services.pg_listener),
        order_streams=OrderStreams(services.orders, services.sign_in),
        order_starts=WorkflowStarts(starter),
        database_check=check,
        shutdown=Shutdown(),
    )


def _served(names: str) -> list[str]:
    served = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in served if name not in _SERVICES]
    if unknown or not served:
        raise ValueError(f"API_SERVICES takes {', '.join(_SERVICES)}: there is no {', '.join(unknown) or 'name'} in it")
    return served


def _lifespan(state: AppState) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        state.services.pg_listener.start()
        state.long_polling.open()
        try:
            yield
        finally:
            state.long_polling.close()
            state.order_streams.close()
            await state.order_starts.close()
            state.services.pg_listener.stop()

    return lifespan
