"""`export-products`: a file that imports back the same, and errors as one message."""

from __future__ import annotations

import json
from pathlib import Path
from uuid import UUID

import pytest

from services.catalog.service import CatalogService
from services.catalog.views import ProductDraft
from services.clock import new_id
from services.db import Database
from services.money import Money
from services.reservations.service import ReservationService
from services.reservations.views import Item
from tests.conftest import empty
from tests.services.catalog.conftest import Write
from tests.services.commands.conftest import Commands

PRODUCTS = [
    ProductDraft("LAMP", "Lamp", Money(129900, "RUB"), ' Gives\r\n"light";\n', {"watts": 7.5, "tags": ["a", None]}),
    ProductDraft("Ёлка-1", "Ёлка, 1\u00a0м", Money(500, "JPY"), "\tsmall ", {}, is_active=False),
    ProductDraft("KWD", "=1+1", Money(1, "KWD"), "", {"a": {"b": "\\u0000"}, "n": 12345678901234567890}),
]


def shown(catalog: CatalogService) -> list[tuple[str, str, int]]:
    """Every product without its id, with its stock."""
    found = catalog.list_stocked(limit=5000, include_inactive=True)
    return sorted((each.product.sku, str(each.product.__dict__ | {"id": None}), each.available) for each in found)


def fill(catalog: CatalogService, reservations: ReservationService) -> dict[str, UUID]:
    ids = dict(catalog.import_products(PRODUCTS).ids)
    reservations.add_stocks([(ids["LAMP"], 7), (ids["KWD"], 0), (ids["Ёлка-1"], 0)])
    return ids


@pytest.mark.parametrize("name", ["products.csv", "products.json"])
def test_T190_an_export_imports_back_the_same(
    command: Commands,
    tmp_path: Path,
    database: Database,
    catalog: CatalogService,
    reservations: ReservationService,
    name: str,
) -> None:
    fill(catalog, reservations)
    before, path = shown(catalog), tmp_path / name

    done = command("export-products", path)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"3 products were written to {path}.\n", "")
    again = command("import-products", path, "--set-stock")
    assert "Nothing changed: all 3 products exist as in the file." in again.stdout
    assert shown(catalog) == before

    empty(database)
    back = command("import-products", path)
    assert (back.exit_code, back.stderr) == (0, "")
    assert shown(catalog) == before
    written = path.read_bytes()
    command("export-products", path)
    assert sorted(path.read_bytes().splitlines()) == sorted(written.splitlines())


def test_T190_stock_in_an_export_is_what_can_be_sold(
    command: Commands, tmp_path: Path, catalog: CatalogService, reservations: ReservationService
) -> None:
    ids = fill(catalog, reservations)
    reservations.hold(new_id(), [Item(ids["LAMP"], 2)], 60)
    command("export-products", tmp_path / "products.json")
    stock = {each["sku"]: each["stock"] for each in json.loads((tmp_path / "products.json").read_text("utf-8"))}
    assert stock == {"LAMP": 5, "KWD": 0, "Ёлка-1": 0}


def test_T190_an_empty_catalog_is_exported(command: Commands, tmp_path: Path) -> None:
    for name in ("products.csv", "products.json"):
        assert command("export-products", tmp_path / name).stdout.startswith("0 products")
    assert json.loads((tmp_path / "products.json").read_text("utf-8")) == []


def test_T190_a_file_that_cannot_be_written_is_one_message(command: Commands, write: Write) -> None:
    path = write("products.txt", "mine")
    done = command("export-products", path)
    assert (done.exit_code, done.stderr) == (2, f"{path}: the name must end in .csv or .json.\n")
    inside = path / "products.csv"
    done = command("export-products", inside)
    assert (done.exit_code, done.stderr) == (2, f"{inside}: not a directory.\n")
    assert [each.name for each in path.parent.iterdir()] == ["products.txt"]
