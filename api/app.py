"""The application: the services' doors, behind one edge."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import APIRouter, FastAPI

from api import (
    accounts,
    catalog,
    codes,
    docs,
    health,
    identity,
    key_set,
    notifications,
    openapi,
    order_events,
    order_resolution,
    order_steps,
    orders,
    payment_news,
    payments,
    problem_pages,
    problems,
    products,
    refunds,
    reservations,
    sign_in,
    validation,
)
from api.addresses import Proxies
from api.cursors import Cursors
from api.edge import Edge
from api.hashing import Hashing
from api.measures import Measures
from api.rates import Rates
from api.routes import BASE
from api.starting import Starts
from api.waiting import Waiting
from services.bootstrap import House

#: The routers of each service, by its name in API_SERVICES.
_SERVICES: dict[str, tuple[APIRouter, ...]] = {
    "identity": (identity.router, sign_in.router, codes.router, accounts.router),
    "catalog": (catalog.router, products.router),
    "orders": (orders.router, order_steps.router, order_events.router, order_resolution.router),
    "reservations": (reservations.router,),
    "payments": (payments.router, payment_news.router, payment_news.told_router, refunds.router),
    "notifications": (notifications.router,),
}


def create_app(house: House) -> FastAPI:
    """An application on these services. Raises ValueError when API_SERVICES names one that there is not."""
    settings = house.settings
    app = FastAPI(
        title="Marketplace Orders",
        version="1",
        description=openapi.DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(house),
        telemetry={"auto_configure": False},
    )
    app.state.house = house
    app.state.cursors = Cursors(settings.secrets_key)
    app.state.measures = Measures()
    app.state.hashing = Hashing()
    app.state.proxies = Proxies(settings.trusted_proxies)
    app.state.rates = Rates(house.limits, settings.rate_limit_factor)
    app.state.waiting = Waiting(house.wakeups)
    app.state.starts = Starts(house.orders, house.starter)
    problems.install(app)
    validation.install(app)
    for name in _served(settings.api_services):
        for router in _SERVICES[name]:
            app.include_router(router, prefix=BASE)
    for router in (health.router, key_set.router, problem_pages.router, *((docs.router,) if settings.docs_on else ())):
        app.include_router(router)
    app.add_middleware(Edge, measures=app.state.measures, hsts=not settings.development)
    openapi.install(app, BASE)
    return app


def _served(names: str) -> list[str]:
    served = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in served if name not in _SERVICES]
    if unknown or not served:
        raise ValueError(f"API_SERVICES takes {', '.join(_SERVICES)}: there is no {', '.join(unknown) or 'name'} in it")
    return served


def _lifespan(house: House) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        house.wakeups.start()
        app.state.waiting.open()
        try:
            yield
        finally:
            app.state.waiting.close()
            await app.state.starts.close()
            house.wakeups.stop()

    return lifespan
