"""How a file of invoices becomes planned orders, and what is said about a file of another shape."""

from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from sandbox.demo.invoices import LIMITED_CANCELLATIONS, MAX_LINES, Outcome, Skipped, plan_file
from sandbox.demo.run import DAY
from services.catalog.files import UnreadableFile
from services.catalog.invoices import COLUMNS
from tests.sandbox.demo.odd_invoices import MANY, SKIPPED, STOCK, write_odd_invoices

HEADER = ",".join(COLUMNS)
LINE = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"


def test_planned_orders_cover_all_lines_and_goods_of_the_day() -> None:
    plan = plan_file(DAY, 10_000)
    orders = list(plan.orders())

    ordered = sum(planned.total for planned in orders if planned.outcome is not Outcome.CANCELLED)
    assert (ordered, len(orders)) == (plan.goods_total, plan.count)
    assert sum(planned.lines for planned in orders) + plan.skipped.total() == plan.lines == 3108
    assert max(len(planned.quantities) for planned in orders) <= MAX_LINES
    assert {planned.outcome for planned in orders} == set(Outcome)


def test_limit_is_the_number_of_invoices() -> None:
    plan = plan_file(DAY, 10_000, 20)

    orders = [planned for planned in plan.orders() if planned.outcome is not Outcome.CANCELLED]
    assert plan.count == len(orders) + LIMITED_CANCELLATIONS
    assert [number for number, planned in enumerate(orders) if planned.outcome is Outcome.DECLINED] == [9, 19]
    assert [planned.method for planned in orders[:6]] == ["card", "card", "phone"] * 2
    assert plan.skipped[Skipped.AFTER_LIMIT] > 0


def test_T201_odd_lines_are_planned_or_skipped_with_a_reason(tmp_path: Path) -> None:
    plan = plan_file(write_odd_invoices(tmp_path / "odd.csv"), STOCK)
    orders = list(plan.orders())

    assert plan.skipped == SKIPPED
    assert [(planned.invoice, planned.lines) for planned in orders[:5]] == [
        ("C500000", 2),
        ("500001", MAX_LINES),
        ("500001", MANY - MAX_LINES),
        ("500002", 1),
        ("C500003", 1),
    ]
    mixed = {planned.invoice: planned.quantities for planned in orders[5:7]}
    assert mixed == {"500004": {"71053@1.00": 4, "71053@1.50": 1}, "500005": {"71053@1.00": 2}}
    assert len({planned.number for planned in orders}) == plan.count
    assert plan.scarce == {"71054@1.00", "71055@1.00"}


def test_T203_the_memory_does_not_grow_with_the_lines(tmp_path: Path) -> None:
    def peak(lines: int) -> int:
        file = tmp_path / "long.csv.gz"
        with gzip.open(file, "wt") as stream:
            stream.write(f"{HEADER}\n")
            stream.writelines(f"{LINE}{' ' * 2_000}\n" for _ in range(lines))
        tracemalloc.start()
        (order,) = plan_file(file, 10).orders()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (order.lines, order.quantities) == (lines, {"85123A@2.55": 6 * lines})
        return most

    peak(10)  # what is imported or cached once
    assert peak(3_000) - peak(1_000) < 100_000


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty."),
        (HEADER.encode(), "no line sells goods (there is only a header): use another file."),
        (f"{HEADER}\n{LINE.replace(',6,', ',-6,')}".encode(), "(1 × quantity is not above zero): use another file."),
        (b"PK\x03\x04", "a workbook or an archive, not text: save the sheet as CSV in UTF-8."),
        (f"{HEADER}\n{LINE}\n{LINE} £".encode("latin-1"), ": not UTF-8 text"),
        (gzip.compress(HEADER.encode(), mtime=0)[:-9], "the gzip data is broken or cut off"),
        (f'{HEADER}\n{LINE}\n1,"2"3'.encode(), "line 3 is not CSV."),
        (HEADER.replace(",", "|").encode(), "separate them by commas, and name them so in the first line."),
        (HEADER.replace("UnitPrice", "Price").encode(), "add UnitPrice; rename or remove Price."),
        (f"{HEADER},Total".encode(), ": rename or remove Total."),
        (",".join(reversed(COLUMNS)).encode(), ": put them in this order, each once."),
        (LINE.encode(), "rename or remove 536365, 85123A, HEART, 6, 2010-12-01 08:26:00, 2.55, 17850, United Kingdom."),
    ],
)
def test_T202_a_file_of_another_shape_is_refused_with_what_to_do(tmp_path: Path, content: bytes, sentence: str) -> None:
    file = tmp_path / "file.csv"
    file.write_bytes(content)

    with pytest.raises(UnreadableFile) as refused:
        plan_file(file, 10)
    assert str(refused.value).startswith(f"{file}: ")
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_T202_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no such file or directory"):
        plan_file(tmp_path / "missing.csv", 10)
