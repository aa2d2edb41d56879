"""A file of invoices replayed through the real system; tokens that end during a replay, and an API that fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import httpx2
from rich.console import Console

from sandbox.demo.account import MAX_FAILED, Fate
from sandbox.demo.buyers import TOKEN_MARGIN, Buyer
from sandbox.demo.invoices import plan_file
from sandbox.demo.replay import Buyers, Replay
from sandbox.layout import ROOT
from tests.sandbox.demo.builders import METHODS
from tests.sandbox.demo.odd_invoices import EXPECTED, SKIPPED, STOCK, write_odd_invoices


def run_demo(*arguments: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sandbox", "demo", *arguments]
    environ = {name: value for name, value in os.environ.items() if name != "DEMO_ORDERS"} | {"COLUMNS": "200"}
    return subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True)


def rows_of(output: str) -> list[list[str]]:
    """The cells of all table rows that the demo printed."""
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines() if "│" in line]


def test_T201_every_line_and_penny_of_an_odd_file_is_accounted_for(tmp_path: Path) -> None:
    file = write_odd_invoices(tmp_path / "odd.csv")

    ended = run_demo("--file", str(file), "--stock", str(STOCK))

    assert ended.returncode == 0, ended.stdout + ended.stderr
    rows = rows_of(ended.stdout)
    replayed = {
        (row[0], row[1]): (int(row[2]), int(row[3]), row[4]) for row in rows if len(row) == 5 and row[3].isdigit()
    }
    skipped = {row[1]: int(row[2]) for row in rows if row[0] == "skipped"}
    assert replayed == EXPECTED
    assert skipped == SKIPPED
    lines = sum(row[0] for row in EXPECTED.values()) + sum(SKIPPED.values())
    assert ["all", f"as many as in the file, {lines}", str(lines), "", ""] in rows
    assert [row[1:] for row in rows if row[0].startswith(("confirmed orders,", "captured less"))] == [
        ["168,993.10", "as sold"]
    ] * 3
    assert {row[0] for row in rows if row[-1] == "holds"} >= {"I5", "I6", "I7", "I13"}


def test_T202_a_file_without_invoices_is_one_sentence_before_anything_starts(tmp_path: Path) -> None:
    refused = run_demo("--file", str(tmp_path))

    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == (
        f"sandbox: {tmp_path}: not a regular file: it is read several times, so save it to a file first.\n"
    )


def test_T204_an_access_token_is_exchanged_before_it_ends_during_an_order() -> None:
    requests = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        requests.append(request.url.path)
        if len(requests) == 1:
            return httpx2.Response(503, headers={"Retry-After": "0"}, json={})
        number = len(requests)
        pair = {"accessToken": f"access-{number}", "refreshToken": f"refresh-{number}", "expiresIn": 600}
        return httpx2.Response(201 if "register" in request.url.path else 200, json=pair)

    buyer = Buyer("1", "buyer-1@example.com", None)
    with httpx2.Client(base_url="http://shop", transport=httpx2.MockTransport(answer)) as http:
        buyer.stay_signed_in(http)
        assert requests == ["/auth/register/email", "/auth/register/email", "/auth/login/email"]
        buyer.stay_signed_in(http)
        assert buyer.token == "access-3"
        buyer.token_ends -= 600 - TOKEN_MARGIN
        buyer.stay_signed_in(http)
    assert requests[3:] == ["/auth/refresh"]
    assert (buyer.token, buyer.refresh_token) == ("access-4", "refresh-4")


def test_a_replay_stops_when_many_orders_fail(tmp_path: Path) -> None:
    lines = [f"5{number:05},22423,CAKE,1,2010-12-01 08:26:00,3.00,1,United Kingdom" for number in range(100)]
    file = tmp_path / "hundred.csv"
    header = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    file.write_text("\n".join([header, *lines]))
    broken = httpx2.MockTransport(lambda _: httpx2.Response(500, text="no answer"))

    with httpx2.Client(base_url="http://shop", transport=broken) as http:
        replay = Replay(http, Buyers(http), {"22423@3.00": "1"}, METHODS)
        account = replay.run(Console(quiet=True), plan_file(file, 10))

    assert account.stopped
    assert MAX_FAILED <= account.rows[Fate.FAILED, ""].orders < 40
    assert account.lines < account.plan.lines == 100
    assert "POST /auth/register/phone: 500 no answer" in account.failures[0]
