"""A made-up file of invoices with every odd case that files of real shops have, and what becomes of its lines."""

from __future__ import annotations

from pathlib import Path

from services.catalog.invoices import COLUMNS

#: Units of each product with which the file is replayed: one order is larger.
STOCK = 100_000
#: Products of the invoice that has more than an order may have.
MANY = 501
#: The result of a replay with `STOCK`: (what, why) to (lines, orders, total in pounds).
EXPECTED = {
    ("sold", ""): (MANY + 10, 10, "168,993.10"),
    ("refused", "out of stock"): (1, 1, "100,001.00"),
    ("refused", "larger than an order may be"): (1, 1, "1,000,001.00"),
    ("refused", "the card is declined"): (1, 1, "3.00"),
    ("cancelled", "while the payment was pending"): (3, 2, "2,090.40"),
}
SKIPPED = {
    "stock code is not a product code": 4,
    "quantity is not above zero": 2,
    "price is not above zero, or not whole pence": 3,
    "not a complete line": 2,
    "no date such as 2010-12-01 08:26:00 or 12/1/2010 8:26": 1,
    "its product cannot be imported": 1,
    "cancels goods that no line sells at that price": 1,
    "cancels goods, but its quantity is not below zero": 1,
}


def write_odd_invoices(path: Path) -> Path:
    """Write the file, with a byte order mark and Windows line ends."""
    lines = [",".join(COLUMNS), *_lines()]
    path.write_bytes("\r\n".join([*lines, ""]).encode("utf-8-sig"))
    return path


def _lines() -> list[str]:
    return [
        # a cancellation before its sale, with two lines of one product
        _line("C500000", "23843", -1, "2.08"),
        _line("C500000", "23843", -4, "2.08"),
        # more products than an order may have: two orders
        *(_line("500001", f"{10_000 + number}", 1, "1.00") for number in range(MANY)),
        # an unusual number of units in one line, by a customer whose id is no name, then its cancellation
        _line("500002", "23843", 80_995, "2.08", customer="=1+1@example.com"),
        _line("C500003", "23843", -1_000, "2.08", customer="=1+1@example.com"),
        # two invoices whose lines are mixed, one product twice, one code at two prices, the other form of a date
        _line("500004", "71053", 1, "1.00"),
        _line("500005", "71053", 2, "1.00", customer=""),
        _line("500004", "71053", 3, "1.00", at="12/31/2010 8:05"),
        _line("500004", "71053", 1, "1.5"),
        # more than the stock, more than the API takes, and what nobody can buy
        _line("500006", "71054", STOCK + 1, "1.00"),
        _line("500007", "71055", 1_000_001, "1.00"),
        _line("A500008", "B", 1, "-11062.06", description="Adjust bad debt"),
        _line("A500009", "84077A", 1, "-5.00"),
        _line("500010", "POST", 1, "18.00"),
        _line("500010", "bank charges", 1, "0.001"),
        _line("C500011", "D", -1, "27.50", description="Discount"),
        _line("500012", "84077", 24, "0.0"),
        _line("500012", "84077", -24, "2.00", description="wrongly marked"),
        _line("500012", "84077", 0, "2.00"),
        _line("500012", "84077", 1, "0.001"),
        _line("C500013", "84078", -1, "9.99"),
        _line("C500013", "71053", 1, "1.00"),
        _line("500014", "71053", 1, "1.00", at="yesterday"),
        _line("", "71053", 1, "1.00"),
        "500015,71053,CUT OFF,1",
        "",
        _line("500016", f"12345{'A' * 60}", 1, "1.00"),
        # the tenth invoice that sells is declined; a name with a comma, inch signs, a line break and no ASCII
        *(
            _line(f"50002{number}", "22423", 1, "3.00", description='"CAKE ""10"""",\nÉTAGÈRE £"')
            for number in range(5)
        ),
        _line("500030", "22423", 1, "3.00", description=""),
    ]


def _line(
    invoice: str,
    code: str,
    quantity: int,
    price: str,
    *,
    customer: str = "17850",
    description: str = "MADE-UP GOODS",
    at: str = "2010-12-01 08:26:00",
) -> str:
    return f"{invoice},{code},{description},{quantity},{at},{price},{customer},United Kingdom"
