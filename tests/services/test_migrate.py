"""How a version treats the schema of another one, and how migrations get their locks (FAULTS F72)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from sandbox.postgres import EmbeddedPostgres
from services import db, migrate
from services.migrate import SchemaState
from tests.planted import planted

#: Lock time-outs after which the holder of a lock lets it go.
REFUSALS = 2
_WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'later' AND wait_event_type = 'Lock'"
_INDEXES = """
    SELECT indexrelid::regclass::text, indisvalid FROM pg_index
     WHERE indrelid = 'catalog.products'::regclass AND indexrelid::regclass::text LIKE '%planted%'
    """


@pytest.fixture
def later(postgres: EmbeddedPostgres) -> Iterator[str]:
    """The URL of a database of the test's own, without tables."""
    with psycopg.connect(postgres.url(), autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS later WITH (FORCE)")
        server.execute("CREATE DATABASE later")
        yield postgres.url("later")
        server.execute("DROP DATABASE later WITH (FORCE)")


@pytest.fixture
def state(later: str) -> Iterator[Callable[[], SchemaState]]:
    database = db.connect(later, pool_size=1)
    yield lambda: migrate.state(database)
    database.close()


def test_F72_a_later_schema_is_newer_and_stays_as_it_is(later: str, state: Callable[[], SchemaState]) -> None:
    assert state() == "older"
    with psycopg.connect(later, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        assert state() == "older"
        connection.execute("INSERT INTO alembic_version VALUES ('0018')")
        assert state() == "older"
        connection.execute("UPDATE alembic_version SET version_num = '9001'")
        assert state() == "newer"
        assert migrate.to_head(later) == "newer"
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9001",)]
        assert connection.execute("SELECT to_regclass('orders.orders')").fetchone() == (None,)


def test_F72_a_migration_that_gets_no_lock_is_tried_again(later: str, tmp_path: Path) -> None:
    migrate.to_head(later)
    later_version = planted(
        later,
        tmp_path,
        'op.add_column("products", sa.Column("planted", sa.Text()), schema="catalog")',
        'op.add_column("users", sa.Column("planted", sa.Text()), schema="identity")',
    )
    with psycopg.connect(later) as holder, psycopg.connect(later, autocommit=True) as reader, capture_logs() as logs:
        holder.execute("SELECT FROM identity.users")
        migrating = threading.Thread(target=migrate.upgrade, args=(later_version,))
        migrating.start()
        while len(logs) < REFUSALS:
            migrating.join(0.05)
            assert migrating.is_alive()
        # What came before has been committed, and its table is not locked.
        assert reader.execute("SELECT count(planted) FROM catalog.products").fetchone() == (0,)
        assert reader.execute("SELECT version_num FROM alembic_version").fetchone() == ("9001",)
        holder.rollback()
        migrating.join(30)
        assert reader.execute("SELECT version_num FROM alembic_version").fetchone() == ("9002",)
    assert {entry["event"] for entry in logs} == {"migrate.lock_not_available"}


def test_F72_an_index_is_built_while_rows_are_written(later: str, tmp_path: Path) -> None:
    migrate.to_head(later)
    index = """
        from services.migrations.online import create_index
        ---
        create_index("ix_products_planted", "products", ["name"], schema="catalog")
        op.create_table("planted", sa.Column("id", sa.Integer, primary_key=True), schema="catalog")
        """
    with psycopg.connect(later) as writer, psycopg.connect(later, autocommit=True) as another:
        # An attempt that was interrupted leaves an index that is not used.
        another.execute(
            "INSERT INTO catalog.products (id, sku, name, price_minor, currency)"
            " SELECT uuidv7(), n::text, 'same', 100, 'RUB' FROM generate_series(1, 2) AS n"
        )
        with pytest.raises(psycopg.errors.UniqueViolation):
            another.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_products_planted ON catalog.products (name)")
        assert another.execute(_INDEXES).fetchall() == [("catalog.ix_products_planted", False)]
        writer.execute("UPDATE catalog.products SET name = name || 'x'")
        building = threading.Thread(target=migrate.upgrade, args=(planted(later, tmp_path, index),))
        building.start()
        while another.execute(_WAITING).fetchone() == (0,):
            assert building.is_alive()
        another.execute("SET lock_timeout = '1s'")
        another.execute(
            "INSERT INTO catalog.products (id, sku, name, price_minor, currency)"
            " VALUES (uuidv7(), 'written', 'meanwhile', 100, 'RUB')"
        )
        writer.commit()
        building.join(30)
        assert another.execute(_INDEXES).fetchall() == [("catalog.ix_products_planted", True)]
        assert another.execute("SELECT to_regclass('catalog.planted') IS NOT NULL").fetchone() == (True,)
