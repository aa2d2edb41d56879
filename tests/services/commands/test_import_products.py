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
from services.clock import new_id
from services.commands.product_import import ProductImport
from services.commands.terminal import LISTED
from services.db import Database, Executor
from services.money import Money
from services.reservations.service import ReservationService
from services.reservations.status import MovementKind
from services.reservations.views import Cause, Item, StockView
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


def test_T182_the_stock_of_existing_products_is_left_and_the_summary_says_so(
    command: Commands, write: Write, catalog: CatalogService, reservations: ReservationService
) -> None:
    command("import-products", write("products.csv", PRODUCTS))
    path = write("products.csv", PRODUCTS.replace("1299.00,RUB,7", "1399.00,RUB,90"))
    done = command("import-products", path)
    assert "2 products: 0 new, 1 changed, 1 unchanged; first stock for 0." in done.stdout
    left = "The stock of 1 existing products differs from the file and was left as it is: --set-stock sets it."
    assert left in done.stdout
    (lamp,) = catalog.list(q="LAMP")
    assert (lamp.price.text, reservations.stocks([lamp.id])[lamp.id].available) == ("1399.00", 7)
    again = command("import-products", path)
    assert "Nothing changed" not in again.stdout
    assert left in again.stdout


def test_T182_set_stock_sets_what_can_be_sold_of_all(
    command: Commands, write: Write, catalog: CatalogService, reservations: ReservationService
) -> None:
    command("import-products", write("products.csv", PRODUCTS))
    (lamp,), (mug,) = catalog.list(q="LAMP"), catalog.list(q="MUG")
    reservations.hold(new_id(), [Item(lamp.id, 3)], 60)
    path = write("products.csv", PRODUCTS.replace("RUB,7", "RUB,90"))
    done = command("import-products", path, "--set-stock")
    assert "The stock of 1 existing products was set." in done.stdout
    assert "left as it is" not in done.stdout.partition("Not in the file")[0]
    assert reservations.stocks([lamp.id])[lamp.id] == StockView(lamp.id, 93, 90, 3, 0)
    assert reservations.stocks([mug.id])[mug.id].available == 0
    (first, second) = reservations.movements(lamp.id)
    assert [(each.change, each.kind, each.reason) for each in (first, second)] == [
        (7, "first", "import of products.csv"),
        (86, "set", "import of products.csv"),
    ]
    assert first.by != ""
    assert "Nothing changed" in command("import-products", path, "--set-stock").stdout


def test_T182_set_stock_needs_stock(command: Commands, write: Write) -> None:
    done = command("import-products", write("prices.csv", "sku,price,currency\nLAMP,1.00,RUB\n"), "--set-stock")
    assert (done.exit_code, done.stderr) == (2, "The file has no stock that --set-stock could set.\n")


def test_T181_a_file_with_prices_only_changes_prices_only(
    command: Commands, write: Write, catalog: CatalogService
) -> None:
    full = f"{HEADER},description,attributes,isActive\n"
    command("import-products", write("products.csv", f'{full}LAMP,Lamp,5.00,RUB,7,"Light","{{""a"": 1}}",false\n'))
    done = command("import-products", write("prices.csv", "sku,price,currency\nlamp,6.00,RUB\n"))
    (lamp,) = catalog.list(include_inactive=True)
    assert (lamp.price.text, lamp.name, lamp.description, lamp.attributes) == ("6.00", "Lamp", "Light", {"a": 1})
    assert lamp.is_active is False
    assert (
        "Not in the file, and left as it is: name of 1, description of 1, attributes of 1, isActive of 1"
        " existing products." in done.stdout
    )


def test_T181_an_incomplete_new_product_is_reported_by_line(
    command: Commands, write: Write, catalog: CatalogService
) -> None:
    command("import-products", write("products.csv", PRODUCTS))
    path = write("prices.csv", "sku,price,currency\nLAMP,6.00,RUB\nVASE,6.00,RUB\n")
    done = command("import-products", path)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == "line 3: is a new product and has no name\nNothing was imported: 1 rows are invalid.\n"
    assert catalog.list(q="LAMP")[0].price.text == "1299.00"
    done = command("import-products", path, "--skip-bad")
    assert (done.exit_code, catalog.list(q="LAMP")[0].price.text) == (0, "6.00")
    assert done.stderr == "line 3: is a new product and has no name\n1 invalid rows were left out.\n"


def test_T190_invalid_rows_can_be_left_out(command: Commands, write: Write, catalog: CatalogService) -> None:
    path = write("products.csv", f"{PRODUCTS}BAD,Lamp,x,RUB,1\nVASE,Vase,2.00,RUB,\n")
    done = command("import-products", path, "--skip-bad")
    assert done.exit_code == 0
    assert done.stderr.splitlines() == [
        "line 4: price is not an amount of its currency, such as 1299.00",
        "line 5: stock is not a whole number from 0 to 1000000000",
        "2 invalid rows were left out.",
    ]
    assert "2 products: 2 new" in done.stdout
    assert [product.sku for product in catalog.list()] == ["LAMP", "MUG"]


def test_T189_what_is_not_taken_is_said_by_column(
    command: Commands, catalog: CatalogService, reservations: ReservationService
) -> None:
    done = command("import-products", ROOT / "docs" / "imports" / "shopify.csv", "--currency", "EUR")
    assert "3 products: 3 new, 0 changed, 0 unchanged; first stock for 3." in done.stdout
    assert "Read as Shopify. Not taken: Variant Grams (3 rows), Image Src (2 rows)." in done.stdout
    (red,) = catalog.list(q="pl-red")
    assert (red.price, red.attributes["Colour"]) == (Money(1300, "EUR"), "Red")
    assert reservations.stocks([red.id])[red.id].available == 0


@pytest.mark.parametrize("named", ["sku", "=sku", "Артикул="])
def test_T189_a_column_without_a_member_is_refused(command: Commands, write: Write, named: str) -> None:
    done = command("import-products", write("list.csv", "Артикул\nA\n"), "--map", named)
    assert (done.exit_code, done.stderr) == (2, "--map takes COLUMN=MEMBER, such as --map Артикул=sku.\n")


def test_a_file_without_currencies_has_one_by_option(command: Commands, write: Write, catalog: CatalogService) -> None:
    path = write("products.csv", "sku,name,price\nLAMP,Lamp,5.00\n")
    assert command("import-products", path).exit_code == 2
    assert command("import-products", path, "--currency", "rub").stderr == "--currency is not an ISO 4217 currency.\n"
    done = command("import-products", path, "--currency", "RUB")
    assert "1 new products have no stock: --stock N gives them units." in done.stdout
    assert catalog.list()[0].price.currency == "RUB"


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


FIRST = Cause(MovementKind.FIRST)


class Interrupted(ReservationService):
    """Fails after it has added stock."""

    def add_stocks(self, stocks: Sequence[tuple[UUID, int]], cause: Cause = FIRST, tx: Executor | None = None) -> int:
        super().add_stocks(stocks, cause, tx)
        raise KeyboardInterrupt


def test_an_interrupted_import_leaves_nothing_and_the_next_completes_it(
    command: Commands,
    write: Write,
    database: Database,
    catalog: CatalogService,
    reservations: ReservationService,
) -> None:
    path = write("products.csv", PRODUCTS)
    with pytest.raises(KeyboardInterrupt):
        ProductImport(catalog, Interrupted(database)).write(read_import_file(path))
    assert catalog.list(include_inactive=True) == []
    assert reservations.list_stocks(None, 10) == []
    done = command("import-products", path, "--if-empty")
    assert "2 products: 2 new, 0 changed, 0 unchanged; first stock for 2." in done.stdout


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
