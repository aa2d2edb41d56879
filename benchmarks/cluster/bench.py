"""Orders a second and their cost in each part, at 1, 4, 16 and 64 orders in flight."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from benchmarks import client, processor
from benchmarks.cluster import costs
from benchmarks.cluster.system import Cluster
from benchmarks.plan import Case, Done, Round
from benchmarks.process import Driver, NotMeasured
from benchmarks.processor import Reading
from benchmarks.results import percentile
from benchmarks.shop_setup import make_shop
from sandbox.process import wait_until

IN_FLIGHT = (1, 4, 16, 64)
WARM_UP = Round(Case.REST, 16, 5.0)
#: Seconds to wait for commands, events and messages of a round.
DRAIN_TIMEOUT = 120.0
_UNDELIVERED = (
    "SELECT (SELECT count(*) FROM orders.outbox WHERE done_at IS NULL)"
    " + (SELECT count(*) FROM orders.events WHERE notified_at IS NULL)"
    " + (SELECT count(*) FROM notifications.notifications WHERE status = 'queued')"
)
Report = Callable[[str], None]


@dataclass(frozen=True)
class Point:
    """One round: what it reached, and what an order of it cost."""

    in_flight: int
    orders: int
    per_second: float
    p50_ms: float
    p99_ms: float
    #: processor milliseconds an order, by part
    processor_ms: Mapping[str, float]
    #: commits and bytes an order, by database
    stored: Mapping[str, float]
    #: processor cores that programs of others used meanwhile
    others: float


def measure(cluster: Cluster, seconds: float, path: Path, report: Report) -> list[str]:
    """Measure, print and write the results to a file; what is wrong after all orders have ended."""
    port = cluster.stack.settings.ports.api
    log = cluster.stack.settings.data_dir / "logs" / "client.log"
    with psycopg.connect(cluster.addresses.database, autocommit=True) as connection:
        shop = make_shop(connection, cluster.addresses, max(IN_FLIGHT))
    with Driver("client", cluster.stack.environment, log, client.run, "127.0.0.1", port) as driver:
        driver.send_shop(shop)
        driver.measure(WARM_UP)
        _drain(cluster)
        points = []
        for in_flight in IN_FLIGHT:
            points.append(_point(cluster, driver, in_flight, seconds, report))
            _write(cluster, points, path)  # after each, because a later one may fail
    return cluster.audit()


def _write(cluster: Cluster, points: Sequence[Point], path: Path) -> None:
    results = {"parts": [*cluster.parts], "cores": os.cpu_count(), "machine": platform.machine()}
    path.write_text(json.dumps({**results, "points": [asdict(point) for point in points]}, indent=2) + "\n")


def _point(cluster: Cluster, driver: Driver, in_flight: int, seconds: float, report: Report) -> Point:
    def used() -> dict[str, float]:
        return costs.processor_seconds(cluster) | {"client": _client_seconds(driver)}

    before, stored, load = used(), costs.stored(cluster), Reading.now()
    done = driver.measure(Round(Case.REST, in_flight, seconds))
    _drain(cluster)
    after, orders = used(), len(done.latencies)
    point = Point(
        in_flight,
        orders,
        orders / done.elapsed,
        *_latencies(done),
        {part: 1000 * (after[part] - before[part]) / orders for part in after},
        {name: (value - stored[name]) / orders for name, value in costs.stored(cluster).items()},
        _others(load),
    )
    report(_line(point))
    return point


def _client_seconds(driver: Driver) -> float:
    return processor.seconds_of(driver.pid)


def _latencies(done: Done) -> tuple[float, float]:
    milliseconds = [1000 * latency for latency in done.latencies]
    return percentile(milliseconds, 50), percentile(milliseconds, 99)


def _others(before: Reading) -> float:
    now = Reading.now()
    return now.others_since(before) / (now.at - before.at)


def _drain(cluster: Cluster) -> None:
    if not wait_until(lambda: cluster.count(_UNDELIVERED) == 0, DRAIN_TIMEOUT, every=0.2):
        raise NotMeasured(f"commands, events or messages are undelivered after {DRAIN_TIMEOUT:g} s")


def _line(point: Point) -> str:
    parts = ", ".join(f"{part} {value:.1f}" for part, value in sorted(point.processor_ms.items()))
    stored = ", ".join(f"{name} {value:.0f}" for name, value in point.stored.items())
    rate = f"{point.in_flight} in flight: {point.per_second:.1f} orders a second, p50 {point.p50_ms:.0f} ms"
    total = sum(value for part, value in point.processor_ms.items() if part != "client")
    return (
        f"{rate}, p99 {point.p99_ms:.0f} ms ({point.orders} orders; others used {point.others:.2f} cores)\n"
        f"  CPU ms an order: {total:.1f}: {parts}\n  an order: {stored}"
    )
