"""The application: the routers of the services, the middleware, and the shared state."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI

from api.access.operations import BASE
from api.access.rate_limits import OperationLimits
from api.catalog import admin as catalog_admin
from api.catalog import routes as catalog_routes
from api.docs import openapi, problem_pages, swagger
from api.identity import account, jwks, password_reset, registration, sign_in, verification
from api.identity.password_queue import PasswordThreads
from api.middleware import RequestMiddleware
from api.notifications import routes as notifications_routes
from api.ops import health
from api.ops.metrics import HttpMetrics
from api.orders import actions, paying, resolution, timeline
from api.orders import routes as orders_routes
from api.orders.starting import WorkflowStarter, WorkflowStarts
from api.orders.waiting import LongPolling
from api.payments import refunds, webhooks
from api.payments import routes as payments_routes
from api.problems import problem_details, validation
from api.requests.client_address import TrustedProxies
from api.requests.cursors import Cursors
from api.reservations import routes as reservations_routes
from api.state import AppState, set_state
from services.bootstrap import Services

#: The routers of each service, by its name in API_SERVICES.
_SERVICES: dict[str, tuple[APIRouter, ...]] = {
    "identity": (registration.router, sign_in.router, verification.router, password_reset.router, account.router),
    "catalog": (catalog_routes.router, catalog_admin.router),
    "orders": (orders_routes.router, actions.router, paying.router, timeline.router, resolution.router),
    "reservations": (reservations_routes.router,),
    "payments": (
        payments_routes.router,
        webhooks.router,
        webhooks.status_router,
        webhooks.gateway_router,
        refunds.router,
    ),
    "notifications": (notifications_routes.router,),
}


def create_app(services: Services, starter: WorkflowStarter | None = None) -> FastAPI:
    """The application over these services; without a starter the outbox relay starts the workflows of orders.

    Raises ValueError when API_SERVICES names an unknown service.
    """
    settings, state = services.settings, _state(services, starter)
    app = FastAPI(
        title="Marketplace Orders",
        version="1",
        description=openapi.DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(state),
        telemetry={"auto_configure": False},
    )
    set_state(app, state)
    problem_details.install(app)
    validation.install(app)
    for name in _served(settings.api_services):
        for router in _SERVICES[name]:
            app.include_router(router, prefix=BASE)
    for router in (health.router, jwks.router, problem_pages.router, *((swagger.router,) if settings.docs_on else ())):
        app.include_router(router)
    app.add_middleware(RequestMiddleware, metrics=state.metrics, hsts=not settings.development)
    openapi.install(app, BASE)
    return app


def _state(services: Services, starter: WorkflowStarter | None) -> AppState:
    settings = services.settings
    return AppState(
        services=services,
        starter=starter,
        cursors=Cursors(settings.secrets_key),
        metrics=HttpMetrics(),
        password_threads=PasswordThreads(),
        proxies=TrustedProxies(settings.trusted_proxies),
        limits=OperationLimits(services.limits, settings.rate_limit_factor),
        long_polling=LongPolling(services.pg_listener),
        order_starts=WorkflowStarts(starter),
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
            await state.order_starts.close()
            state.services.pg_listener.stop()

    return lifespan
