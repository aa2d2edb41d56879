"""The demo: replays one day of a real shop on a new stack, runs the test cards, and audits the result."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2
from rich.console import Console

from sandbox.demo.audit import run_audit
from sandbox.demo.buyers import Buyer, Order, expect
from sandbox.demo.card_results import CardResult
from sandbox.demo.invoices import Day, Outcome, PlannedOrder, plan_day
from sandbox.demo.replay import Replay, payment_methods, product_ids, sign_up_buyers
from sandbox.demo.tables import print_audit, print_card_results, print_timeline, print_totals, progress_bar
from sandbox.demo.test_cards import CardRun, card_cases
from sandbox.layout import ROOT
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack

DAY = Path(__file__).parent.parent / "data" / "2010-12-01.csv.gz"
SOURCE = "Daqing Chen, “Online Retail”, UCI Machine Learning Repository (2015), doi:10.24432/C5BW33, licence CC BY 4.0"
#: Cheap password hashes and no limits: all requests of the demo come from one address.
SETTINGS = {
    "ORDERS_MAX_UNPAID": "0",
    "RATE_LIMIT_FACTOR": "1000",
    "ARGON2_TIME_COST": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PARALLELISM": "1",
    # seconds: raises the attention for the refund that always fails during the demo
    "ATTENTION_AFTER": "12",
}


def demo(limit: int | None = None) -> int:
    """Run the demo on free ports with temporary data.

    Args:
        limit: number of invoices to replay; all when None.

    Returns:
        0 when every order is as planned, every test card balances and the audit passed, else 1.

    Raises:
        CannotStart: when a component of the stack does not start.
    """
    console = Console(highlight=False)
    day = plan_day(DAY, limit)
    with tempfile.TemporaryDirectory(prefix="market-demo-") as folder:
        settings = StackSettings(data_dir=Path(folder), ports=Ports.free(), env=SETTINGS)
        started = time.monotonic()
        console.print("Starting PostgreSQL, Temporal, the stand-ins, the workers and the API …")
        with Stack(settings) as stack:
            console.print(f"Ready after {time.monotonic() - started:.1f} s; the catalog is imported.\n")
            return _run(console, day, stack)


def _run(console: Console, day: Day, stack: Stack) -> int:
    addresses = stack.addresses
    with httpx2.Client(base_url=f"{addresses.api}/api/v1", timeout=60) as http:
        products = product_ids(addresses.database)
        buyers = sign_up_buyers(console, http, day)
        started = time.monotonic()
        replayed = Replay(http, buyers, products, payment_methods(addresses.sandbox)).run(console, day)
        seconds = time.monotonic() - started
        for outcome in Outcome:
            _show_timeline(console, http, buyers, replayed, outcome)
        results = _run_cards(console, http, stack, next(iter(products.values())))
    checks = run_audit(addresses.database, addresses.sandbox)
    as_planned = print_totals(console, day, replayed, seconds)
    audit_passed = print_audit(console, checks)
    balanced = print_card_results(console, results)
    console.print(f"\nSource of the orders: {SOURCE}.")
    return 0 if as_planned and balanced and audit_passed else 1


def _run_cards(console: Console, http: httpx2.Client, stack: Stack, product: str) -> list[CardResult]:
    argv = [sys.executable, "-m", "services", "token", "--role", "operator"]
    token = subprocess.run(argv, cwd=ROOT, env=stack.environment, check=True, capture_output=True, text=True)
    buyer = Buyer("test-cards", email="test-cards@example.com", phone=None)
    buyer.sign_up(http)
    addresses = stack.addresses
    run = CardRun(http, buyer, product, addresses.sandbox, addresses.database, token.stdout.strip())
    cases = card_cases(httpx2.get(f"{addresses.sandbox}/scripts").json())
    with progress_bar(console, "Test cards and phones") as bar:
        task = bar.add_task("test cards", total=len(cases))
        return run.run(cases, lambda: bar.advance(task))


def _show_timeline(
    console: Console,
    http: httpx2.Client,
    buyers: dict[str, Buyer],
    replayed: list[tuple[PlannedOrder, Order]],
    outcome: Outcome,
) -> None:
    """Print the timeline of the first order with this outcome."""
    for planned, order in replayed:
        if planned.outcome is outcome:
            headers = buyers[planned.customer].headers()
            events = expect(http.get(f"/orders/{order['id']}/events", headers=headers), 200)["items"]
            print_timeline(console, f"Order {order['id']}: {outcome}", events)
            return
