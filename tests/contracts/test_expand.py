"""The contract of the migrations breaks on planted ones that take something away from the release before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from sandbox.postgres import EmbeddedPostgres
from services import migrate
from tests.contracts import expand
from tests.contracts.checks import ContractBroken
from tests.planted import planted

HEAD = str(ScriptDirectory.from_config(migrate.config("")).get_current_head())


@pytest.fixture(scope="module")
def prepared(postgres: EmbeddedPostgres) -> Iterator[None]:
    """A template with the newest schema."""
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS expanding WITH (FORCE)")
        server.execute("DROP DATABASE IF EXISTS expanding_template WITH (FORCE)")
        server.execute("CREATE DATABASE expanding_template")
        command.upgrade(migrate.config(postgres.url("expanding_template")), "head")
        yield
        server.execute("DROP DATABASE expanding_template WITH (FORCE)")


@pytest.fixture
def empty(postgres: EmbeddedPostgres, prepared: None) -> Iterator[str]:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE expanding TEMPLATE expanding_template")
        yield postgres.url("expanding")
        server.execute("DROP DATABASE expanding WITH (FORCE)")


BROKEN = {
    "dropped": ('op.drop_column("orders", "language", schema="orders")', "orders.orders.language is dropped"),
    "sql": ("op.execute('DROP TABLE payments.ledger')", r"payments.ledger.\w+ is dropped"),
    "renamed": (
        'op.alter_column("orders", "city", new_column_name="town", schema="orders")',
        "orders.orders.city is dropped or renamed",
    ),
    "retyped": (
        "op.execute('ALTER TABLE orders.lines ALTER price_minor TYPE numeric')",
        "orders.lines.price_minor changes its type from bigint to numeric",
    ),
    "shorter": (
        "op.execute('ALTER TABLE orders.orders ALTER status TYPE varchar(10)')",
        "orders.orders.status changes its type",
    ),
    "required": (
        "op.execute('ALTER TABLE orders.orders ALTER cancel_note SET NOT NULL')",
        "orders.orders.cancel_note takes no null any more",
    ),
    "without-default": (
        "op.execute('ALTER TABLE orders.orders ALTER recoveries DROP DEFAULT')",
        "orders.orders.recoveries loses its default",
    ),
    "new": (
        "op.execute('ALTER TABLE orders.orders ADD planted text NOT NULL')",
        "orders.orders.planted is new",
    ),
    "no-release": (
        'contracted = {"orders.orders.city": "9.9.9: nothing reads it any more"}\n---\n'
        'op.drop_column("orders", "city", schema="orders")',
        "orders.orders.city is dropped",
    ),
    "no-reason": (
        'contracted = {"orders.orders.city": "0.2.0: "}\n---\nop.drop_column("orders", "city", schema="orders")',
        "orders.orders.city is dropped",
    ),
    "unneeded": (
        'contracted = {"orders.orders.city": "0.2.0: nothing reads it any more"}\n---\npass',
        "takes nothing away of orders.orders.city",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_migration_that_takes_something_away_breaks_it(empty: str, tmp_path: Path, name: str) -> None:
    migration, message = BROKEN[name]
    with pytest.raises(ContractBroken, match=f"^Migration 9001.*{message}"):
        expand.check(planted(empty, tmp_path, migration), HEAD)


def test_what_is_added_widened_or_taken_away_with_a_reason_is_allowed(empty: str, tmp_path: Path) -> None:
    adding = """
        op.execute("ALTER TABLE orders.orders ADD a text, ADD b text NOT NULL DEFAULT ''")
        op.execute("ALTER TABLE orders.orders ALTER status TYPE varchar(40), ALTER cancel_note TYPE text")
        op.execute("CREATE TABLE orders.planted (a text NOT NULL)")
        """
    contracting = """
        contracted = {"orders.orders.cancel_note": "0.2.0: nothing has written it since"}
        ---
        op.drop_column("orders", "cancel_note", schema="orders")
        op.drop_column("orders", "a", schema="orders")
        """
    expand.check(planted(empty, tmp_path, adding, contracting), HEAD)
