"""`import-products`: products, stock, invalid files, interrupted imports."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest

from services.catalog.importing import read_import_file
from services.catalog.service import CatalogService
from services.commands.import_products import write_products
from services.commands.terminal import LISTED
from services.db import Database
from services.errors import Unavailable
from services.reservations.service import ReservationService
from tests.services.catalog.conftest import Write
from tests.services.commands.conftest import HEADER, PRODUCTS, Commands

ROOT = Path(__file__).parents[3]
DAY = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"


def test_products_are_imported_with_their_stock(
    command: Commands, write: Write, catalog: CatalogService, reservations: ReservationService
) -> None:
    done = command("import-products", write("products.csv", PRODUCTS))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "2 products: 2 new, 0 changed, 0 unchanged; first stock for 2." in done.stdout
    available = {product.sku: reservations.stocks([product.id])[product.id].available for product in catalog.list()}
    assert available == {"LAMP": 7, "MUG": 0}


def test_a_second_run_changes_nothing(command: Commands, write: Write) -> None:
    path = write("products.csv", PRODUCTS)
    command("import-products", path)
    again = command("import-products", path)
    assert (again.exit_code, again.stderr) == (0, "")
    assert "Nothing changed: all 2 products exist as in the file." in again.stdout


def test_a_change_is_counted_and_stock_is_unchanged(
    command: Commands, write: Write, catalog: CatalogService, reservations: ReservationService
) -> None:
    command("import-products", write("products.csv", PRODUCTS))
    done = command("import-products", write("products.csv", PRODUCTS.replace("1299.00,RUB,7", "1399.00,RUB,90")))
    assert "2 products: 0 new, 1 changed, 1 unchanged; first stock for 0." in done.stdout
    (lamp,) = catalog.list(q="LAMP")
    assert (lamp.price.text, reservations.stocks([lamp.id])[lamp.id].available) == ("1399.00", 7)


def test_the_invoices_in_the_repository_are_imported(
    command: Commands, catalog: CatalogService, reservations: ReservationService
) -> None:
    done = command("import-products", DAY, "--stock", 10_000)
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1,874 products: 1,874 new, 0 changed, 0 unchanged; first stock for 1,874." in done.stdout
    assert "of 3,108 lines were skipped" in done.stdout
    stocks = reservations.stocks([product.id for product in catalog.list(limit=5000)])
    assert (len(stocks), {stock.available for stock in stocks.values()}) == (1874, {10_000})
    again = command("import-products", DAY, "--stock", 10_000)
    assert "Nothing changed: all 1,874 products" in again.stdout


def test_if_empty(command: Commands, write: Write, catalog: CatalogService) -> None:
    path = write("products.csv", PRODUCTS)
    assert "2 new" in command("import-products", path, "--if-empty").stdout
    done = command("import-products", DAY, "--stock", 1, "--if-empty")
    assert (done.exit_code, done.stdout) == (0, "The catalog is not empty: nothing was imported.\n")
    assert len(catalog.list()) == 2


class Interrupted(ReservationService):
    """Fails instead of adding stock, or (`late`) right after."""

    def __init__(self, database: Database, *, late: bool) -> None:
        super().__init__(database)
        self._late = late

    def add_stocks(self, stocks: Sequence[tuple[UUID, int]]) -> int:
        if self._late:
            super().add_stocks(stocks)
        raise Unavailable("interrupted")


@pytest.mark.parametrize("late", [False, True])
def test_an_interrupted_import_shows_nothing_and_the_next_completes_it(
    command: Commands,
    write: Write,
    database: Database,
    catalog: CatalogService,
    reservations: ReservationService,
    late: bool,
) -> None:
    path = write("products.csv", PRODUCTS)
    with pytest.raises(Unavailable):
        write_products(catalog, Interrupted(database, late=late), read_import_file(path, None))
    assert catalog.list() == []
    done = command("import-products", path, "--if-empty")
    assert f"2 products: 0 new, 2 changed, 0 unchanged; first stock for {0 if late else 2}." in done.stdout
    (lamp,) = catalog.list(q="LAMP")
    assert reservations.stocks([lamp.id])[lamp.id].available == 7


def test_bad_rows_are_listed_and_nothing_is_imported(command: Commands, write: Write, catalog: CatalogService) -> None:
    rows = [f"SKU-{number},Lamp,x,RUB,1" for number in range(LISTED + 10)]
    done = command("import-products", write("products.csv", "\n".join([HEADER, "LAMP,Lamp,1.00,RUB,1", *rows])))
    lines = done.stderr.splitlines()
    assert (done.exit_code, done.stdout) == (2, "")
    assert lines[0] == "line 3: price is not an amount of its currency, such as 1299.00"
    assert lines[LISTED:] == ["… and 10 more", "Nothing was imported: 60 rows are invalid."]
    assert catalog.list(include_inactive=True) == []


def test_an_unreadable_file_is_one_message(command: Commands, write: Write, catalog: CatalogService) -> None:
    missing = write("x", "").with_name("none.csv")
    broken = write("cut.csv.gz", gzip.compress(PRODUCTS.encode())[:20])
    expected = {
        missing: f"{missing}: no such file or directory.\n",
        broken: f"{broken}: the gzip data is broken or cut off.\n",
        DAY: f"{DAY}: invoices have no stock: add --stock N.\n",
    }
    for path, sentence in expected.items():
        done = command("import-products", path)
        assert (done.exit_code, done.stdout, done.stderr) == (2, "", sentence)
    assert catalog.list(include_inactive=True) == []


def test_as_a_process(database: Database, write: Write, database_url: str, tmp_path: Path) -> None:
    env = {**os.environ, "DATABASE_URL": database_url, "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "services", "import-products", write("products.csv", PRODUCTS)],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "2 products: 2 new, 0 changed, 0 unchanged; first stock for 2.\n"
