"""Shared fixtures: a real PostgreSQL server, whose tables are emptied before each test that uses `sessions`."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from sandbox.temporal import TemporalServer
from services import db, migrate
from services.db import Database, Transaction
from tests.pooler import pgbouncer

TESTS = Path(__file__).parent
#: Folders whose files take longest begin first (the Makefile keeps this order), so that no process is left with a long
#: file while the others have none.
FIRST = ("soak", "journeys", "lifecycle", "workflows", "web/browser", "deploy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sort the tests by folder as FIRST has them, each folder's in their order."""
    places = {TESTS / folder: place for place, folder in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(item.path.parent, len(FIRST)))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One server for each test session (and each xdist worker), migrated to head; not durable, which is faster."""
    data: Path = tmp_path_factory.mktemp("postgres")
    with EmbeddedPostgres(data / "data", free_port(), secrets.token_hex(8), durable=False) as server:
        migrate.to_head(server.url())
        yield server


@pytest.fixture(scope="session")
def temporal() -> Iterator[TemporalServer]:
    with TemporalServer(None, free_port(), None) as server:
        yield server


@pytest.fixture(scope="session")
def database_url(postgres: EmbeddedPostgres) -> str:
    return postgres.url()


@pytest.fixture(scope="session")
def pooler_url(database_url: str) -> Iterator[str]:
    """The same database through a transaction pooler with two connections; skips the test without pgbouncer."""
    with pgbouncer(database_url, default_pool_size="2") as url:
        yield url


@pytest.fixture(scope="session")
def all_database(database_url: str) -> Iterator[Database]:
    database = db.connect(database_url, pool_size=32)
    yield database
    database.close()


@pytest.fixture
def database(all_database: Database) -> Database:
    """Transactions on a database whose tables are empty."""
    empty(all_database)
    return all_database


def empty(database: Database) -> None:
    """Delete all rows of all services; a thread of the test before may still hold a lock of one table."""

    def truncate(tx: Transaction) -> None:
        tables = tx.fetch_value(
            "SELECT string_agg(format('%I.%I', schemaname, tablename), ', ') FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public')"
        )
        tx.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")

    database.run_in_transaction(truncate)
