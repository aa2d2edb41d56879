"""`python -m benchmarks memory`: resident memory of the application with orders in flight, open orders and streams."""

from __future__ import annotations

import argparse
import asyncio
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx2
from rich.console import Console
from rich.table import Table

from benchmarks import processor, report
from benchmarks.plan import Case, Round
from benchmarks.provenance import Provenance
from benchmarks.running_system import RunningSystem, running_system
from benchmarks.shop import ADDRESS

#: Orders that are placed at once, and streams that are opened at once.
AT_ONCE = 64
#: Seconds after which the memory of a step is read.
SETTLED = 3.0


@dataclass(frozen=True)
class Sizes:
    """How much of everything; `seconds` of orders in flight."""

    seconds: float = 15
    open_orders: int = 10_000
    streams: int = 2_000


QUICK = Sizes(seconds=1, open_orders=50, streams=20)


@dataclass(frozen=True)
class Step:
    """The resident memory of the application's process after a step, in MiB, and how long the step took."""

    name: str
    mib: float
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Measure and print; 0 when everything was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="check that everything works; no evaluation")
    sizes = QUICK if parser.parse_args(arguments).quick else Sizes()
    _allow_connections(sizes.streams)
    console = report.make_console()
    console.print("Starting PostgreSQL, Temporal, the stand-ins and the application …")
    with (
        tempfile.TemporaryDirectory(prefix="market-bench-") as folder,
        running_system(Path(folder) / "data", buyers=2 * AT_ONCE) as system,
    ):
        console.print(Provenance.of(system.database, system.temporal).summary)
        _show(console, measure(system, sizes))
    return 0


def measure(system: RunningSystem, sizes: Sizes) -> list[Step]:
    """The memory of the process with API and worker: idle, with orders in flight, open orders, and streams."""
    steps = [_step(system, "idle", lambda: None)]
    for in_flight in (16, 64):
        work = partial(system.measure, Round(Case.REST, in_flight, sizes.seconds))
        steps.append(_step(system, f"after {in_flight} in flight", work))
    orders: list[tuple[int, str]] = []
    name = f"with {sizes.open_orders:,} open orders"
    steps.append(_step(system, name, lambda: orders.extend(asyncio.run(_open_orders(system, sizes.open_orders)))))
    return [*steps, asyncio.run(_with_streams(system, orders[-sizes.streams :]))]


def _step(system: RunningSystem, name: str, work: Callable[[], object]) -> Step:
    started = time.monotonic()
    work()
    elapsed = time.monotonic() - started
    time.sleep(SETTLED)
    return Step(name, processor.resident_mib(system.application.pid), elapsed)


async def _open_orders(system: RunningSystem, count: int) -> list[tuple[int, str]]:
    """Place orders that wait for a payment method; returns the buyer's slot and the id of each."""
    slots, placed = asyncio.Queue[int](), list[tuple[int, str]]()
    for number in range(count):
        slots.put_nowait(number % len(system.shop.buyers))

    async def place(http: httpx2.AsyncClient) -> None:
        while not slots.empty():
            slot = slots.get_nowait()
            body = {"productId": str(system.shop.products[slot]), **ADDRESS}
            answer = await http.post("/orders", json=body, headers=_headers(system, slot))
            placed.append((slot, answer.raise_for_status().json()["orderId"]))

    async with httpx2.AsyncClient(base_url=f"{system.stack.addresses.api}/api/v1", timeout=60) as http:
        await asyncio.gather(*[place(http) for _ in range(AT_ONCE // 2)])
    return placed


async def _with_streams(system: RunningSystem, orders: Sequence[tuple[int, str]]) -> Step:
    started, writers = time.monotonic(), list[asyncio.StreamWriter]()
    for first in range(0, len(orders), AT_ONCE):
        writers += await asyncio.gather(*[_stream(system, *order) for order in orders[first : first + AT_ONCE]])
    elapsed = time.monotonic() - started
    await asyncio.sleep(SETTLED)
    step = Step(f"and {len(orders):,} event streams", processor.resident_mib(system.application.pid), elapsed)
    for writer in writers:
        writer.close()
    return step


async def _stream(system: RunningSystem, slot: int, order_id: str) -> asyncio.StreamWriter:
    """An open event stream of an order, whose first event has arrived."""
    host, _, port = system.stack.addresses.api.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    headers = "".join(f"{name}: {value}\r\n" for name, value in _headers(system, slot).items())
    path = f"/api/v1/orders/{order_id}/events"
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n{headers}\r\n".encode())
    await asyncio.wait_for(reader.readuntil(b"event: state"), 60)
    return writer


def _headers(system: RunningSystem, slot: int) -> dict[str, str]:
    return {"Authorization": f"Bearer {system.shop.buyers[slot].token}"}


def _allow_connections(streams: int) -> None:
    """Raise this process's limit of open files, which the application inherits, as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = streams + 1000
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def _show(console: Console, steps: Sequence[Step]) -> None:
    table = Table("application (API and worker)", "resident, MiB", "took, s")
    for step in steps:
        table.add_row(step.name, f"{step.mib:.0f}", f"{step.seconds:.1f}")
    console.print(table)
