"""A day of a real shop on a fresh stack: its orders placed, some declined, some cancelled, and all accounted for."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from sandbox.demo.audit import verdict
from sandbox.demo.buyers import Buyer, Means, ended, expect, place
from sandbox.demo.invoices import Day, Fate, Planned, plan
from sandbox.demo.test_cards import Range, Result, trials, try_all
from sandbox.layout import ROOT
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack
from services import db
from services.catalog.service import CatalogService
from services.clock import Clock
from services.db import Sessions
from services.money import Money
from services.reconcile import Check

DAY = Path(__file__).parent.parent / "data" / "2010-12-01.csv.gz"
SOURCE = "Daqing Chen, “Online Retail”, UCI Machine Learning Repository (2015), doi:10.24432/C5BW33, licence CC BY 4.0"
#: Orders under way at once.
AT_ONCE = 8
#: Cheap passwords and no limits: the demo is about orders. The address that everybody calls from is one.
SETTINGS = {
    "ORDERS_MAX_UNPAID": "0",
    "RATE_LIMIT_FACTOR": "1000",
    "ARGON2_TIME_COST": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PARALLELISM": "1",
    # A refund that fails for ever is to reach its operator before the audience leaves.
    "ATTENTION_AFTER": "12",
}


@dataclass(frozen=True)
class Told:
    """One order of the demo and how it ended."""

    planned: Planned
    order: dict[str, Any]


def demo(most: int | None = None) -> int:
    """Run it all on free ports and throw-away data; `most` cuts the day short. Returns 0 only for a clean verdict.

    Raises CannotStart when a part of the stack does not start.
    """
    console = Console(highlight=False)
    day = plan(DAY, most)
    with tempfile.TemporaryDirectory(prefix="market-demo-") as folder:
        settings = StackSettings(data_dir=Path(folder), ports=Ports.free(), env=SETTINGS)
        began = time.monotonic()
        console.print("Starting PostgreSQL, Temporal, a payment provider, an inbox, workers and the API …")
        with Stack(settings) as stack:
            console.print(f"Ready after {time.monotonic() - began:.1f} s; the day's catalog is in.\n")
            return _run(console, day, stack)


def _run(console: Console, day: Day, stack: Stack) -> int:
    addresses = stack.addresses
    with httpx2.Client(base_url=f"{addresses.api}/api/v1", timeout=60) as http:
        means = _means(addresses.sandbox)
        products = _products(addresses.database)
        buyers = _sign_up(console, http, day)
        began = time.monotonic()
        told = _replay(console, http, day, buyers, products, means)
        seconds = time.monotonic() - began
        for fate in Fate:
            _timeline(console, http, buyers, told, fate)
        results = _trials(console, http, stack, next(iter(products.values())))
    checks = verdict(addresses.database, addresses.sandbox)
    correct = _totals(console, day, told, seconds)
    _verdict(console, checks)
    balanced = _scripts(console, results)
    console.print(f"\nThe orders are real: {SOURCE}.")
    return 0 if correct and balanced and all(check.holds for check in checks) else 1


def _means(sandbox: str) -> Means:
    scripts = httpx2.get(f"{sandbox}/scripts").json()
    first = {(script["method"], script["behaviour"]): script["value"] for script in reversed(scripts)}
    return Means(
        card=first["card", "succeeds"],
        phone=first["phone", "succeeds"],
        declined_card=first["card", "declines"],
        slow_card=first["card", "answers_later"],
    )


def _products(database: str) -> dict[str, str]:
    # Buyers choose by name and price; the file knows SKUs, which only the catalog's owner sees.
    engine = db.connect(database, pool_size=1)
    catalog = CatalogService(Sessions(engine), Clock())
    products: dict[str, str] = {}
    after = None
    while page := catalog.list(after=after, limit=1000):
        products |= {product.sku: str(product.id) for product in page}
        after = page[-1].id
    engine.dispose()
    return products


def _sign_up(console: Console, http: httpx2.Client, day: Day) -> dict[str, Buyer]:
    customers = dict.fromkeys(planned.customer for planned in day.orders)
    buyers = {
        customer: Buyer(
            customer,
            email=f"customer-{customer}@example.com" if number != 0 else None,
            phone="+79161234567" if number == 0 else None,
        )
        for number, customer in enumerate(customers)
    }
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(lambda buyer: buyer.sign_up(http), buyers.values()))
    console.print(f"{len(buyers)} buyers registered, the first by phone, the others by e-mail.")
    return buyers


def _replay(
    console: Console,
    http: httpx2.Client,
    day: Day,
    buyers: dict[str, Buyer],
    products: dict[str, str],
    means: Means,
) -> list[Told]:
    bar = _bar(console, "Orders")

    def one(planned: Planned) -> Told:
        buyer = buyers[planned.customer]
        order = ended(http, buyer, place(http, buyer, planned, products, means))
        bar.advance(task)
        return Told(planned, order)

    with bar, ThreadPoolExecutor(AT_ONCE) as pool:
        task = bar.add_task("orders", total=len(day.orders))
        return list(pool.map(one, day.orders))


def _bar(console: Console, says: str) -> Progress:
    return Progress(TextColumn(says), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console)


def _trials(console: Console, http: httpx2.Client, stack: Stack, product: str) -> list[Result]:
    argv = [sys.executable, "-m", "services", "token", "--role", "operator"]
    said = subprocess.run(argv, cwd=ROOT, env=stack.environment, check=True, capture_output=True, text=True)
    buyer = Buyer("trials", email="trials@example.com", phone=None)
    buyer.sign_up(http)
    addresses = stack.addresses
    where = Range(http, buyer, product, addresses.sandbox, addresses.database, said.stdout.strip())
    wanted = trials(httpx2.get(f"{addresses.sandbox}/scripts").json())
    with _bar(console, "Cards and phones that misbehave") as bar:
        task = bar.add_task("trials", total=len(wanted))
        return try_all(where, wanted, lambda: bar.advance(task))


def _scripts(console: Console, results: list[Result]) -> bool:
    """The last word, from the provider's own ledger; True when every row balances."""
    table = Table(
        Column("script", no_wrap=True),
        *("by", "ends", "charges", "refunded", "kept", "ok"),
        title="One order by every test card and phone: the provider's own ledger, GBP",
        title_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for result in results:
        currency = result.order["currency"]
        refunds = [Money(result.refunded, currency).text] if result.refunded else []
        refunds += [f"{Money(result.by_hand, currency).text} by hand"] if result.by_hand else []
        table.add_row(
            result.trial.behaviour,
            result.trial.method,
            result.order["status"],
            f"{result.captures} × {Money(result.charged, currency).text}" if result.captures else "–",
            ", ".join(refunds) or "–",
            Money(result.kept, currency).text if result.kept else "–",
            "[green]yes[/green]" if result.balances else "[red]NO[/red]",
        )
    console.print(table)
    return all(result.balances for result in results)


def _timeline(console: Console, http: httpx2.Client, buyers: dict[str, Buyer], told: list[Told], fate: Fate) -> None:
    chosen = next((one for one in told if one.planned.fate is fate), None)
    if chosen is None:
        return
    order = chosen.order
    headers = buyers[chosen.planned.customer].headers()
    events = expect(http.get(f"/orders/{order['id']}/events", headers=headers), 200)["items"]
    table = Table("at", "what", "detail", "amount", title=f"Order {order['id']}: {fate}", title_justify="left")
    for event in events:
        table.add_row(event["at"][11:23], event["type"], event.get("detail") or "", event.get("amount") or "")
    console.print(table)


def _totals(console: Console, day: Day, told: list[Told], seconds: float) -> bool:
    wanted = {Fate.PAID: "confirmed", Fate.DECLINED: "cancelled", Fate.CANCELLED: "cancelled"}
    worth: Counter[Fate] = Counter()
    count: Counter[Fate] = Counter()
    wrong = []
    for one in told:
        total = Money.parse(one.order["totalAmount"], one.order["currency"]).minor
        worth[one.planned.fate] += total
        count[one.planned.fate] += 1
        if one.order["status"] != wanted[one.planned.fate] or total != one.planned.worth:
            wrong.append(
                f"{one.order['id']} ({one.planned.invoice}): {one.order['status']}, {one.order['totalAmount']}"
            )
    table = Table("orders", "number", "worth, GBP", title="The day", title_justify="left")
    for fate in Fate:
        table.add_row(fate, str(count[fate]), Money(worth[fate], "GBP").text)
    console.print(table)
    goods = worth[Fate.PAID] + worth[Fate.DECLINED]
    same = "the same to the penny" if goods == day.goods else "NOT THE SAME"
    console.print(
        f"Goods in the file {Money(day.goods, 'GBP').text}, ordered {Money(goods, 'GBP').text}: {same}.\n"
        f"{len(told)} orders in {seconds:.1f} s, {len(told) / seconds:.1f} a second"
        f" ({AT_ONCE} at a time; cancelled ones wait for their money to come first)."
    )
    for line in wrong:
        console.print(f"[red]not as planned:[/red] {line}")
    return goods == day.goods and not wrong


def _verdict(console: Console, checks: list[Check]) -> None:
    table = Table("", "must always be true", "looked at", "verdict", title="Reconciler", title_justify="left")
    for check in checks:
        state = "[green]holds[/green]" if check.holds else f"[red]{len(check.violations)} broken[/red]"
        table.add_row(check.id, check.description, str(check.rows), state)
    console.print(table)
    for check in checks:
        for violation in check.violations:
            console.print(f"[red]{check.id}[/red] {violation}")
    console.print("[green]Clean.[/green]" if all(check.holds for check in checks) else "[red]Not clean.[/red]")
