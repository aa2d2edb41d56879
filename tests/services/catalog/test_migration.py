"""The migration of a catalog that has SKU twins and stock without movements."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import psycopg
import pytest
from alembic import command
from alembic.script import ScriptDirectory

from sandbox.postgres import EmbeddedPostgres
from services import db, migrate
from services.catalog.service import CatalogService
from services.catalog.views import ImportedProduct
from services.db import Database
from services.money import Money
from services.reconcile.tables import check_tables
from services.reservations.service import ReservationService

REVISION = "0017"
IDS = [UUID(int=number) for number in range(5)]
SKUS = ["LAMP", "lamp", "ＬＡＭＰ", "MUG", "\u200bmug"]
ACTIVE = [False, True, True, True, False]


@pytest.fixture
def old_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A database with the schema before the migration."""
    name = "before_twins"
    before = ScriptDirectory.from_config(migrate.config("")).get_revision(REVISION).down_revision
    with psycopg.connect(postgres.url(), autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        url = postgres.url(name)
        command.upgrade(migrate.config(url), str(before))
        yield url
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def migrated(old_url: str) -> Iterator[Database]:
    with psycopg.connect(old_url, autocommit=True) as old:
        for product_id, sku, active in zip(IDS, SKUS, ACTIVE, strict=True):
            old.execute(
                "INSERT INTO catalog.products (id, sku, name, price_minor, currency, is_active)"
                " VALUES (%s, %s, %s, 500, 'RUB', %s)",
                (product_id, sku, f"Ёлка {sku}", active),
            )
        old.execute("INSERT INTO reservations.stocks (product_id, total, available) VALUES (%s, 7, 7)", (IDS[0],))
        old.execute("INSERT INTO reservations.stocks (product_id, total, available) VALUES (%s, 0, 0)", (IDS[1],))
    command.upgrade(migrate.config(old_url), "head")  # what is read later knows the newest schema
    database = db.connect(old_url, pool_size=2)
    yield database
    database.close()


def test_T183_twins_of_before_stay_and_imports_find_the_one_for_sale(migrated: Database) -> None:
    catalog = CatalogService(migrated)
    assert [product.sku for product in catalog.list(include_inactive=True)] == SKUS
    found = catalog.import_products([ImportedProduct(sku, price=Money(900, "RUB")) for sku in ("Lamp", "Mug")])
    assert found.ids == {"Lamp": IDS[1], "Mug": IDS[3]}
    prices = [product.price.minor for product in catalog.list(include_inactive=True)]
    assert prices == [500, 900, 500, 900, 500]
    assert [product.id for product in catalog.list(q="елка", include_inactive=True)] == IDS


def test_T187_the_stock_of_before_is_the_first_movement(migrated: Database) -> None:
    stock = ReservationService(migrated)
    assert [(each.change, each.kind) for each in stock.movements(IDS[0])] == [(7, "opening")]
    assert stock.movements(IDS[1]) == []
    assert [check.violations for check in check_tables(migrated) if check.id == "I1"] == [[], []]
