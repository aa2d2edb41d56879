"""Fixtures: the pages in front of the whole API, on a real PostgreSQL, without Temporal."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import ASGIApp

from services.bootstrap import Services
from services.settings import Settings
from tests.api.conftest import all_services, app, services
from tests.api.conftest import settings as api_settings
from tests.web.visitor import ORIGIN, Visitor
from web.app import create_app
from web.metrics import MeasuredTransport, PageMetrics
from web.security import Guard
from web.settings import WebSettings

__all__ = ["all_services", "api_settings", "app", "services"]


@pytest.fixture(scope="session")
def settings(api_settings: Settings) -> Settings:
    """An API that lets the provider's page return buyers to the pages."""
    return api_settings.model_copy(update={"shop_origins": ORIGIN})


@pytest.fixture(scope="session")
def web_settings() -> WebSettings:
    return WebSettings(app_env="development", web_url=ORIGIN)


@pytest.fixture(scope="session")
async def pages(web_settings: WebSettings, app: FastAPI) -> AsyncIterator[Guard]:
    """The pages; their requests go to the API of the same process, and metrics know the operation of each."""
    metrics = PageMetrics()
    measured = MeasuredTransport(httpx2.ASGITransport(app), metrics)
    guarded = create_app(web_settings, httpx2.AsyncClient(transport=measured, base_url="http://market"))
    async with guarded.app.router.lifespan_context(guarded.app):
        yield guarded
    assert metrics.registry.get_sample_value("web_api_call_seconds_count", {"operation": "other"}) is None


@pytest.fixture
async def visitor(pages: ASGIApp, services: Services) -> AsyncIterator[Visitor]:
    async with Visitor(pages) as opened:
        yield opened


@pytest.fixture
async def stranger(pages: ASGIApp, services: Services) -> AsyncIterator[Visitor]:
    """Another visitor, with cookies of their own."""
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(Visitor(pages))
