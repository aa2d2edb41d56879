"""Invoices: the file in the repository, and which lines sell goods."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from services.catalog.files import UnreadableFile
from services.catalog.importing import read_import_file
from services.catalog.invoices import COLUMNS, NotGoods, not_goods_reason, read_invoices, sku_of
from services.catalog.views import ImportedProduct
from services.money import Money
from tests.services.catalog.conftest import Write

DAY = Path(__file__).parents[3] / "sandbox" / "data" / "2010-12-01.csv.gz"
HEADER = ",".join(COLUMNS)


def test_the_invoices_in_the_repository() -> None:
    lines = list(read_invoices(DAY))
    assert len(lines) == 3108
    assert {line.at.date().isoformat() for line in lines if line.at} == {"2010-12-01"}
    assert len({sku_of(line) for line in lines if not_goods_reason(line) is None}) == 1874
    first = lines[0]
    assert (first.line_number, first.invoice, sku_of(first), first.quantity) == (2, "536365", "85123A@2.55", 6)
    assert (first.at, first.customer_id, first.country) == (datetime(2010, 12, 1, 8, 26), "17850", "United Kingdom")  # noqa: DTZ001 - the file has no time zone
    assert Counter(not_goods_reason(line) for line in lines)[NotGoods.CANCELLATION] > 0


def test_the_compressed_file_has_no_timestamp() -> None:
    assert DAY.read_bytes()[4:8] == b"\0\0\0\0"


def test_the_products_of_the_invoices() -> None:
    incoming = read_import_file(DAY, 10_000)
    by_sku = {draft.sku: draft for draft in incoming.products}
    assert len(by_sku) == len(incoming.products) == 1874
    assert by_sku["85123A@2.55"] == ImportedProduct(
        "85123A@2.55", "WHITE HANGING HEART T-LIGHT HOLDER", Money(255, "GBP")
    )
    assert set(incoming.stock.values()) == {10_000}
    assert incoming.lines == 3108
    assert incoming.skipped.total() == 3108 - sum(not_goods_reason(line) is None for line in read_invoices(DAY))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom", None),
        ("536365,85123A,HEART,6,12/1/2010 8:26,2.55,,United Kingdom", None),
        ("536365,85123,HEART,6,2010-12-01 08:26:00,2,17850,United Kingdom", None),
        ("C536365,85123A,HEART,-6,2010-12-01 08:26:00,2.55,17850,United Kingdom", NotGoods.CANCELLATION),
        ("536365,POST,POSTAGE,1,2010-12-01 08:26:00,18.0,17850,France", NotGoods.OTHER_CODE),
        ("536365,85123a,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom", NotGoods.OTHER_CODE),
        ("536365,85123A,HEART,0,2010-12-01 08:26:00,2.55,17850,United Kingdom", NotGoods.QUANTITY),
        ("536365,85123A,HEART,-9,2010-12-01 08:26:00,2.55,17850,United Kingdom", NotGoods.QUANTITY),
        ("536365,85123A,HEART,six,2010-12-01 08:26:00,2.55,17850,United Kingdom", NotGoods.QUANTITY),
        ("536365,85123A,,6,2010-12-01 08:26:00,0.0,,United Kingdom", NotGoods.PRICE),
        ("536365,85123A,HEART,6,2010-12-01 08:26:00,-2.55,17850,United Kingdom", NotGoods.PRICE),
        ("536365,85123A,HEART,6,2010-12-01 08:26:00,0.001,17850,United Kingdom", NotGoods.PRICE),
        ("536365,85123A,HEART,6,2010-12-01 08:26:00,1e3,17850,United Kingdom", NotGoods.PRICE),
        ("536365,85123A,HEART,6,yesterday,2.55,17850,United Kingdom", NotGoods.DATE),
        (",85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom", NotGoods.BROKEN),
        ("536365,85123A,HEART,6", NotGoods.BROKEN),
        ("536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom,more", NotGoods.BROKEN),
    ],
)
def test_the_reason_why_a_line_is_not_goods(write: Write, line: str, reason: NotGoods | None) -> None:
    (found,) = read_invoices(write("day.csv", f"{HEADER}\n{line}\n"))
    assert not_goods_reason(found) == reason


def test_a_product_gets_its_first_description(write: Write) -> None:
    lines = ["85123A,,6", "85123A, HEART ,1", "85123A,OTHER,1", "71053,,2"]
    rows = [f"5363{number},{line},2010-12-01 08:26:00,2.5,,UK" for number, line in enumerate(lines)]
    incoming = read_import_file(write("day.csv", "\n".join([HEADER, *rows])), 5)
    assert {draft.sku: draft.name for draft in incoming.products} == {
        "85123A@2.50": "HEART",
        "71053@2.50": "71053@2.50",
    }


def test_a_code_that_is_too_long_for_a_sku_is_skipped(write: Write) -> None:
    row = f"536365,12345{'A' * 60},HEART,6,2010-12-01 08:26:00,2.55,,UK"
    incoming = read_import_file(write("day.csv", f"{HEADER}\n{row}\n"), 5)
    assert (list(incoming.products), incoming.skipped) == ([], {"sku has more than 64 characters": 1})


def test_invoices_require_a_stock() -> None:
    with pytest.raises(UnreadableFile, match="add --stock N"):
        read_import_file(DAY, None)


def test_another_table_is_not_an_invoice_file(write: Write) -> None:
    with pytest.raises(UnreadableFile, match="the columns are not InvoiceNo,"):
        read_invoices(write("products.csv", "sku,name,price,currency,stock\n"))
