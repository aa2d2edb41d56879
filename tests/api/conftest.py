"""Fixtures: the whole API over HTTP on a real PostgreSQL, without Temporal; tests take an order's steps themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from api.app import create_app
from services.bootstrap import Services, open_services
from services.db import Database
from services.settings import Settings
from tests.api.people import Person, a_buyer, an_operator
from tests.api.serving import Served, serving
from tests.api.watching import Watch
from tests.fakes.gateway import FakeGateway


@pytest.fixture(scope="session")
def settings(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        app_env="development",
        database_url=database_url,
        data_dir=tmp_path_factory.mktemp("api"),
        argon2_time_cost=1,
        argon2_memory_kib=8,
        argon2_parallelism=1,
        rate_limit_factor=1000,
    )


@pytest.fixture(scope="session")
def all_services(settings: Settings, all_database: Database) -> Iterator[Services]:
    with open_services(settings, database=all_database, gateway=FakeGateway()) as services:
        yield services


@pytest.fixture(scope="session")
async def app(all_services: Services) -> AsyncIterator[FastAPI]:
    app = create_app(all_services)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def services(all_services: Services, database: Database) -> Services:
    """Every service, on empty tables."""
    return all_services


@pytest.fixture
async def api(app: FastAPI, services: Services) -> AsyncIterator[httpx2.AsyncClient]:
    """A client; every answer that it gets is held against the rules for all answers."""
    transport = httpx2.ASGITransport(app)
    hooks = {"response": [Watch(app).check]}
    async with httpx2.AsyncClient(transport=transport, base_url="http://market", event_hooks=hooks) as client:
        yield client


@pytest.fixture
async def served(services: Services) -> AsyncIterator[Served]:
    """The api on a port of its own."""
    async with serving(services) as served:
        yield served


@pytest.fixture
def buyer(services: Services) -> Person:
    return a_buyer(services)


@pytest.fixture
def other(services: Services) -> Person:
    return a_buyer(services)


@pytest.fixture
def operator(services: Services) -> Person:
    return an_operator(services)


@pytest.fixture
def problem_pages() -> Path:
    return Path(__file__).resolve().parents[2] / "docs" / "problems"
