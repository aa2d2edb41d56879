"""Errors of commands: one message without a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg

from sandbox.postgres import EmbeddedPostgres
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
