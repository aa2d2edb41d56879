"""The shop's invoice file: the day that is shipped, and its dirt."""

from __future__ import annotations

import gzip
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from services.catalog.files import UnreadableFile
from services.catalog.importing import read_incoming
from services.catalog.invoices import COLUMNS, NotGoods, read_invoices, sku_of, why_not_goods
from services.catalog.views import ProductDraft
from services.money import Money
from tests.services.catalog.conftest import Write

DAY = Path(__file__).parents[3] / "sandbox" / "data" / "2010-12-01.csv.gz"
HEADER = ",".join(COLUMNS)


def test_the_shipped_day() -> None:
    lines = list(read_invoices(DAY))
    assert len(lines) == 3108
    assert {line.at.date().isoformat() for line in lines if line.at} == {"2010-12-01"}
    assert len({sku_of(line) for line in lines if why_not_goods(line) is None}) == 1874
    first = lines[0]
    assert (first.line_number, first.invoice, sku_of(first), first.quantity) == (2, "536365", "85123A@2.55", 6)
    assert (first.at, first.customer_id, first.country) == (datetime(2010, 12, 1, 8, 26), "17850", "United Kingdom")  # noqa: DTZ001
    assert Counter(why_not_goods(line) for line in lines)[NotGoods.CANCELLATION] > 0


def test_the_shipped_day_is_packed_without_a_time() -> None:
    assert DAY.read_bytes()[4:8] == b"\0\0\0\0"


def test_the_catalog_that_the_day_implies() -> None:
    incoming = read_incoming(DAY, 10_000)
    by_sku = {draft.sku: draft for draft in incoming.drafts}
    assert len(by_sku) == len(incoming.drafts) == 1874
    assert by_sku["85123A@2.55"] == ProductDraft("85123A@2.55", "WHITE HANGING HEART T-LIGHT HOLDER", Money(255, "GBP"))
    assert set(incoming.stock.values()) == {10_000}
    assert incoming.lines == 3108
    assert incoming.skipped.total() == 3108 - sum(why_not_goods(line) is None for line in read_invoices(DAY))


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
        ("536365,85123A,HEART,6,yesterday,2.55,17850,United Kingdom", NotGoods.BROKEN),
        ("536365,85123A,HEART,6", NotGoods.BROKEN),
        ("536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom,more", NotGoods.BROKEN),
    ],
)
def test_which_lines_are_of_goods(write: Write, line: str, reason: NotGoods | None) -> None:
    (found,) = read_invoices(write("day.csv", f"{HEADER}\n{line}\n"))
    assert why_not_goods(found) == reason


def test_a_product_is_named_by_its_first_description(write: Write) -> None:
    lines = ["85123A,,6", "85123A, HEART ,1", "85123A,OTHER,1", "71053,,2"]
    rows = [f"5363{number},{line},2010-12-01 08:26:00,2.5,,UK" for number, line in enumerate(lines)]
    incoming = read_incoming(write("day.csv", "\n".join([HEADER, *rows])), 5)
    assert {draft.sku: draft.name for draft in incoming.drafts} == {"85123A@2.50": "HEART", "71053@2.50": "71053@2.50"}


def test_a_code_too_long_for_a_sku_is_passed_over(write: Write) -> None:
    row = f"536365,12345{'A' * 60},HEART,6,2010-12-01 08:26:00,2.55,,UK"
    incoming = read_incoming(write("day.csv", f"{HEADER}\n{row}\n"), 5)
    assert (list(incoming.drafts), incoming.skipped) == ([], {"sku has more than 64 characters": 1})


def test_packed_or_not_by_content_not_by_name(write: Write) -> None:
    plain = gzip.decompress(DAY.read_bytes())
    assert read_incoming(write("day.csv.gz", plain), 1) == read_incoming(DAY, 1)
    assert read_incoming(write("day.csv", DAY.read_bytes()), 1) == read_incoming(DAY, 1)


def test_invoices_need_a_stock() -> None:
    with pytest.raises(UnreadableFile, match="add --stock N"):
        read_incoming(DAY, None)


def test_another_table_is_no_invoice_file(write: Write) -> None:
    with pytest.raises(UnreadableFile, match="the columns are not InvoiceNo,"):
        read_invoices(write("products.csv", "sku,name,price,currency,stock\n"))
