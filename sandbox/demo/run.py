"""The demo: replays a day of a real shop, or another file of invoices, on a new stack, and audits the result."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx2
import structlog
from rich.console import Console

from sandbox.demo.account import Account
from sandbox.demo.audit import Balance, read_balance, run_audit
from sandbox.demo.buyers import Buyer, expect, send
from sandbox.demo.card_results import CardResult
from sandbox.demo.invoices import Plan, plan_file
from sandbox.demo.replay import Buyers, Replay, import_catalog, payment_methods
from sandbox.demo.tables import print_account, print_audit, print_card_results, print_timeline, progress_bar
from sandbox.demo.test_cards import CardRun, card_cases
from sandbox.layout import ROOT, STOCK
from sandbox.settings import Ports, StackSettings
from sandbox.stack import Stack
from services.reconcile.findings import Check, Finding

DAY = Path(__file__).parent.parent / "data" / "2010-12-01.csv.gz"
SOURCE = "Daqing Chen, “Online Retail”, UCI Machine Learning Repository (2015), doi:10.24432/C5BW33, licence CC BY 4.0"
#: What to look at after the demo.
NEXT = "Next: make up starts the same system with a shop, an operators' desk and an inbox, and prints their addresses."
#: Cheap password hashes and no limits: all requests of the demo come from one address.
SETTINGS = {
    "ORDERS_MAX_UNPAID": "0",
    "HOLD_MAX_SHARE": "1",
    "MESSAGE_BUDGET_FACTOR": "0",
    "SMS_PER_HOUR": "0",
    "RATE_LIMIT_FACTOR": "1000",
    "ARGON2_TIME_COST": "1",
    "ARGON2_MEMORY_KIB": "64",
    "ARGON2_PARALLELISM": "1",
    # seconds: raises the attention for the refund that always fails during the demo
    "ATTENTION_AFTER": "12",
}
#: Seconds after which everything that a replay has sent must have arrived; added to 0.1 s for each order.
DRAINED_WITHIN = 20.0
#: Seconds that commands and messages may be under way when the reconciler looks, after the audit.
RECONCILE_LAG = 10


def demo(file: Path | None = None, stock: int | None = None, limit: int | None = None) -> int:
    """Run the demo on free ports with temporary data.

    Args:
        file: invoices to replay, followed by the reconciler; when None, the shipped day, followed by the test cards.
        stock: units of each product; 10,000 when None.
        limit: number of invoices to replay; all when None.

    Returns:
        0 when every line and every penny is accounted for and the checks that follow passed, else 1.

    Raises:
        CannotStart: when a component of the stack does not start.
        UnreadableFile: when the file has no invoices.
    """
    console = Console(highlight=False)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("error"))
    with console.status("reading the file"):
        plan = plan_file(file or DAY, STOCK if stock is None else stock, limit)
    console.print(f"{plan.lines:,} lines, {plan.count:,} orders to place, {len(plan.products.stock):,} products.")
    with tempfile.TemporaryDirectory(prefix="market-demo-") as folder:
        settings = StackSettings(data_dir=Path(folder), ports=Ports.free(), env=SETTINGS, catalog=False)
        started = time.monotonic()
        console.print("Starting PostgreSQL, Temporal, the stand-ins, the workers and the API …")
        with Stack(settings) as stack:
            console.print(f"Ready after {time.monotonic() - started:.1f} s.")
            return 0 if _run(console, plan, stack, test_cards=file is None) else 1


def _run(console: Console, plan: Plan, stack: Stack, *, test_cards: bool) -> bool:
    addresses = stack.addresses
    with console.status("importing the catalog"):
        products = import_catalog(addresses.database, plan.products)
    console.print("The catalog is imported.\n")
    with httpx2.Client(base_url=f"{addresses.api}/api/v1", timeout=60) as http:
        buyers = Buyers(http)
        started = time.monotonic()
        account = Replay(http, buyers, products, payment_methods(addresses.sandbox)).run(console, plan)
        seconds = time.monotonic() - started
        balance = read_balance(addresses.database, addresses.sandbox)
        _show_timelines(console, http, buyers, account)
        results = _run_cards(console, http, stack, next(iter(products.values()))) if test_cards else []
    with console.status("auditing"):
        checks = run_audit(addresses.database, addresses.sandbox, DRAINED_WITHIN + account.orders / 10)
        checks += [] if test_cards else _reconcile(stack, checks)
    passed = [_print_account(console, account, balance, len(buyers), seconds), print_audit(console, checks)]
    if test_cards:
        passed.append(print_card_results(console, results))
        console.print(f"\nSource of the orders: {SOURCE}.")
        console.print(f"\n{NEXT}")
    return all(passed)


def _print_account(console: Console, account: Account, balance: Balance, buyers: int, seconds: float) -> bool:
    accounted = print_account(console, account, balance)
    console.print(
        f"{account.orders:,} orders of {buyers:,} buyers in {seconds:.1f} s, {account.orders / seconds:.1f} per second"
        f" (orders to cancel wait until their payment is pending). Memory of this process: {_peak_memory():,} MB.\n"
    )
    return accounted


def _peak_memory() -> int:
    """The most memory that this process has used, in MB."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 1_000_000


def _reconcile(stack: Stack, audited: list[Check]) -> list[Check]:
    """What the reconciler checks besides the audit, by asking Temporal and the provider, and whatever it finds."""
    argv = [sys.executable, "-m", "services", "reconcile", "--json", "--lag", str(RECONCILE_LAG)]
    report = subprocess.run(argv, cwd=ROOT, env=stack.environment, check=False, capture_output=True, text=True)
    if not report.stdout:
        return [Check("", "python -m services reconcile", unchecked=report.stderr.strip())]
    known = {(check.id, check.description) for check in audited}
    found = [_check(item) for item in json.loads(report.stdout)["checks"]]
    return [check for check in found if not check.holds or (check.id, check.description) not in known]


def _check(item: dict[str, Any]) -> Check:
    violations = [Finding(violation["sentence"], violation["ids"]) for violation in item["violations"]]
    return Check(item["id"], item["description"], item["rows"], violations, item["violated"], item["unchecked"])


def _run_cards(console: Console, http: httpx2.Client, stack: Stack, product: str) -> list[CardResult]:
    argv = [sys.executable, "-m", "services", "token", "--role", "operator", "--name", "demo"]
    token = subprocess.run(argv, cwd=ROOT, env=stack.environment, check=True, capture_output=True, text=True)
    buyer = Buyer("test-cards", email="test-cards@example.com", phone=None)
    buyer.sign_up(http)
    addresses = stack.addresses
    run = CardRun(http, buyer, product, addresses.sandbox, addresses.database, token.stdout.strip())
    cases = card_cases(httpx2.get(f"{addresses.sandbox}/scripts").json())
    with progress_bar(console, "Test cards and phones") as bar:
        task = bar.add_task("test cards", total=len(cases))
        return run.run(cases, lambda: bar.advance(task))


def _show_timelines(console: Console, http: httpx2.Client, buyers: Buyers, account: Account) -> None:
    """Print the timeline of the first order of each outcome."""
    for outcome, (planned, order) in sorted(account.examples.items()):
        headers = buyers.of(planned.customer).headers()
        events = expect(send(http, "GET", f"/orders/{order['id']}/events", headers=headers), 200)["items"]
        print_timeline(console, f"Order {order['id']}: {outcome}", events)
