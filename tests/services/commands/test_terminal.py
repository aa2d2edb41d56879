"""Errors of commands: one message without a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from sandbox.postgres import EmbeddedPostgres
from services import migrate
from services.catalog.service import CatalogService
from services.db import Database
from tests.services.catalog.conftest import Write
from tests.services.commands.conftest import PRODUCTS, Commands

ROOT = Path(__file__).parents[3]
DAY = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"


def test_without_a_database_the_message_names_the_setting(write: Write, tmp_path: Path) -> None:
    done = Commands(tmp_path / "data", None)("import-products", write("products.csv", PRODUCTS))
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "set DATABASE_URL" in done.stderr


def test_the_database_of_the_sandbox_is_found_in_addresses_json(
    database: Database, write: Write, tmp_path: Path, database_url: str, catalog: CatalogService
) -> None:
    write("addresses.json", json.dumps({"database": database_url}))
    done = Commands(tmp_path, None)("import-products", write("products.csv", PRODUCTS))
    assert (done.exit_code, len(catalog.list())) == (0, 2)


def test_an_unreachable_database_is_one_message(write: Write, tmp_path: Path) -> None:
    away = Commands(tmp_path, "postgresql://market:secret@127.0.0.1:1/market")
    for words in (("import-products", write("products.csv", PRODUCTS)), ("migrate",)):
        done = away(*words)
        assert (done.exit_code, done.stdout) == (1, "")
        assert (
            done.stderr
            == "The database cannot be reached or is busy: check that it is running and DATABASE_URL is right.\n"
        )


@pytest.mark.parametrize(
    ("role", "password", "host", "name", "sentence"),
    [
        ("market", "wrong", "", "market", "The database refuses the role of DATABASE_URL or its password"),
        ("stranger", "wrong", "", "market", "The database refuses the role of DATABASE_URL or its password"),
        ("market", "", "", "nothing", "The server has no database of the name in DATABASE_URL"),
        ("market", "", "nowhere.invalid", "market", "The host of DATABASE_URL is not known"),
    ],
    ids=["password", "role", "name", "host"],
)
def test_an_address_that_is_wrong_says_what_is(
    postgres: EmbeddedPostgres, tmp_path: Path, role: str, password: str, host: str, name: str, sentence: str
) -> None:
    parts = psycopg.conninfo.conninfo_to_dict(postgres.url())
    server = f"{host or parts['host']}:{parts['port']}"
    done = Commands(tmp_path, f"postgresql://{role}:{password or parts['password']}@{server}/{name}")("migrate")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(sentence)
    assert "wrong" not in done.stderr


def test_a_role_that_may_not_log_in_is_not_taken_for_a_missing_database(
    postgres: EmbeddedPostgres, database_url: str, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS not_let_in")
        connection.execute("CREATE ROLE not_let_in NOLOGIN PASSWORD 'pass'")
    parts = psycopg.conninfo.conninfo_to_dict(postgres.url())
    done = Commands(tmp_path, f"postgresql://not_let_in:pass@{parts['host']}:{parts['port']}/market")("migrate")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("The role of DATABASE_URL does not exist or may not log in")


def test_migrate_needs_the_owner_of_the_tables(postgres: EmbeddedPostgres, database_url: str, tmp_path: Path) -> None:
    """Another role gets one sentence, and changes nothing."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS not_the_owner")
        connection.execute("CREATE ROLE not_the_owner LOGIN PASSWORD 'pass'")
        connection.execute("DROP DATABASE IF EXISTS bare")
        connection.execute("CREATE DATABASE bare")
    parts = psycopg.conninfo.conninfo_to_dict(postgres.url("bare"))
    done = Commands(tmp_path, f"postgresql://not_the_owner:pass@{parts['host']}:{parts['port']}/bare")("migrate")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "give migrate the address of the role that owns the database (market_owner)" in done.stderr


def test_migrate_refuses_an_older_postgresql(
    command: Commands, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(migrate, "OLDEST", 990_000)
    with psycopg.connect(database_url) as connection:
        present = connection.info.server_version // 10_000
    done = command("migrate")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == f"PostgreSQL 99 or newer is needed, and the server of DATABASE_URL is {present}.\n"


def test_migrate_may_be_repeated(command: Commands) -> None:
    done = command("migrate")
    assert (done.exit_code, done.stdout) == (0, "The schema is current.\n")


def test_an_outdated_schema_is_refused_until_it_is_migrated(
    postgres: EmbeddedPostgres, database_url: str, write: Write, tmp_path: Path
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bare")
        connection.execute("CREATE DATABASE bare")
    command, path = Commands(tmp_path, postgres.url("bare")), write("products.csv", PRODUCTS)
    done = command("import-products", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "The schema is not current: run `python -m services migrate` first.\n"
    assert command("migrate").exit_code == 0
    assert "2 products: 2 new" in command("import-products", path).stdout
    with psycopg.connect(postgres.url("bare"), autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9001'")
    assert command("migrate").stdout == "The schema is of a later version: nothing to do.\n"
    assert "Nothing changed: all 2 products" in command("import-products", path).stdout
