"""The roles of deploy/postgres-roles.sh: processes read and write rows as `market`, which can change no schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg import errors

from sandbox.layout import ROOT
from sandbox.settings import StackSettings
from sandbox.stack import Stack
from services import db, migrate
from services.archive.archive import OrderArchive
from services.bootstrap import open_services
from services.settings import Settings
from tests.deploy.conftest import ADMINISTRATOR, RoleServer, bare_server
from tests.fakes.gateway import FakeGateway
from tests.journeys.customers import answered
from tests.journeys.shop import CHEAP_PASSWORDS, STOCK, Shop
from tests.old_orders import BEFORE, make_old, with_old_id
from workers.registry import deletions

ROWS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_TABLES = """
    SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public') ORDER BY 1
"""


@pytest.fixture
def market(role_server: RoleServer) -> Iterator[psycopg.Connection]:
    """A connection of the processes; nothing is committed."""
    with psycopg.connect(role_server.url("market")) as connection:
        yield connection
        connection.rollback()


def test_T161_the_role_of_the_processes_serves_every_kind_of_order(role_server: RoleServer, tmp_path: Path) -> None:
    settings = StackSettings.for_tests(tmp_path)
    settings = replace(settings, database_url=role_server.url("market"), separate=True, env=CHEAP_PASSWORDS)
    with Stack(settings) as stack:
        shop = Shop(stack)
        customer, product = shop.customer(), shop.product()
        paid = customer.place(product, quantity=2, card=shop.paying("card", "succeeds"))
        declined = customer.place(product, card=shop.paying("card", "declines"))
        cancelled = customer.place(product)
        assert [customer.wait_for_end(order)["status"] for order in (paid, declined)] == ["confirmed", "cancelled"]
        answered(customer.step(cancelled, "cancel"), 202)
        assert customer.wait_for_end(cancelled)["cancelReason"] == "buyer_request"
        assert shop.stock(product) == (STOCK - 2, 0, 2)
        assert shop.violations() == []
        _archive(role_server, UUID(paid))
        assert shop.violations() == []
        shop.close()


def _archive(server: RoleServer, order_id: UUID) -> None:
    """The role archives an order and moves it back."""
    with closing(db.connect(server.url("market"), pool_size=1)) as database:
        old = with_old_id(database, order_id)
        make_old(database, [old])
        archive = OrderArchive(database)
        assert archive.move_batch(BEFORE).orders == 1
        assert archive.bring_back(old)
        assert archive.move_batch(BEFORE).orders == 0


def test_T161_the_role_of_the_processes_deletes_old_rows(role_server: RoleServer, tmp_path: Path) -> None:
    settings = Settings(app_env="development", data_dir=tmp_path, database_url=role_server.url("market"))
    with open_services(settings, gateway=FakeGateway()) as services:
        for delete in deletions(services).values():
            assert delete(1) in (0, 1)


def test_T161_the_role_of_the_processes_may_read_and_write_the_rows_of_every_table(market: psycopg.Connection) -> None:
    _assert_rows_only(market)


def test_T161_a_database_of_one_role_is_changed_by_the_statements_of_the_docs(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "deploying.md").read_text()
    (statements,) = re.findall(r"```sql\n(CREATE ROLE market_owner.*?)```", page, re.DOTALL)
    with bare_server(tmp_path / "data") as server:
        server.run_sql(f"CREATE ROLE market LOGIN PASSWORD '{server.password}'; CREATE DATABASE market OWNER market;")
        migrate.to_head(server.url("market"))
        server.run_sql(statements.replace("…", server.password))
        with psycopg.connect(server.url("market")) as connection:
            _assert_rows_only(connection)
            with pytest.raises(errors.InsufficientPrivilege):
                connection.execute("DROP TABLE orders.orders")
        migrate.to_head(server.url("market_owner"))


def _assert_rows_only(market: psycopg.Connection) -> None:
    tables = [table for (table,) in market.execute(_TABLES)]
    assert len(tables) > 20
    for table in tables:
        granted = {
            name for name in (*ROWS, "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN") if _may(market, table, name)
        }
        assert (table, granted) == (table, {*ROWS})


def test_T161_a_table_of_a_later_migration_is_granted_when_it_is_created(role_server: RoleServer) -> None:
    with psycopg.connect(role_server.url("market_owner")) as owner:
        owner.execute("CREATE SCHEMA later")
        owner.execute("CREATE TABLE later.rows (id serial PRIMARY KEY)")
    try:
        with psycopg.connect(role_server.url("market")) as market:
            assert market.execute("INSERT INTO later.rows DEFAULT VALUES RETURNING id").fetchone() == (1,)
            assert market.execute("DELETE FROM later.rows").rowcount == 1
    finally:
        with psycopg.connect(role_server.url("market_owner")) as owner:
            owner.execute("DROP SCHEMA later CASCADE")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE orders.mine (id int)",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION orders.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "ALTER TABLE payments.payments DROP CONSTRAINT pk_payments",
        "ALTER TABLE orders.orders DISABLE TRIGGER ALL",
        "CREATE INDEX mine ON orders.orders (id)",
        "DROP TABLE orders.orders",
        "DROP SCHEMA orders CASCADE",
        "TRUNCATE payments.payments",
        "SET ROLE market_owner",
        "UPDATE alembic_version SET version_num = '0001'",
        "COPY orders.orders TO PROGRAM 'true'",
        "COPY orders.orders TO '/tmp/orders'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT rolpassword FROM pg_authid",
        "SET log_statement = 'none'",
    ],
)
def test_T161_the_role_of_the_processes_changes_no_schema(market: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        market.execute(statement)


@pytest.mark.parametrize("database", ["temporal", "temporal_visibility"])
@pytest.mark.parametrize("role", ["market", "market_owner"])
def test_T161_the_roles_of_the_market_cannot_open_the_databases_of_temporal(
    role_server: RoleServer, role: str, database: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(role_server.url(role, database))


def test_T161_the_owner_of_the_tables_is_no_administrator(role_server: RoleServer) -> None:
    with psycopg.connect(role_server.url(ADMINISTRATOR)) as connection:
        roles = connection.execute(
            "SELECT rolname, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles"
            " WHERE rolname IN ('market', 'market_owner', 'temporal') ORDER BY 1"
        ).fetchall()
    assert roles == [(name, *[False] * 5) for name in ("market", "market_owner", "temporal")]


def _may(connection: psycopg.Connection, table: str, privilege: str) -> bool:
    row = connection.execute("SELECT has_table_privilege(%s, %s)", [table, privilege]).fetchone()
    assert row is not None
    return bool(row[0])


def test_T251_passwords_of_the_roles_are_not_in_the_log_of_the_server(role_server: RoleServer) -> None:
    """Run again, the script fails, and the server logs the statement that failed."""
    with pytest.raises(AssertionError):
        role_server.run_script()
    log = role_server.log.read_text()
    assert 'role "market_owner" already exists' in log
    assert role_server.password not in log
