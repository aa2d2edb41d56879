"""What other rates need, calculated from the measured costs of an order and the queueing model."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cluster.model import Network, errors, fitted, with_processors

RATES = (10, 100, 1_000, 10_000)
#: Share of its processors that a part uses on average.
BUSY = 0.6
#: Days that Temporal keeps closed workflows (deploy/temporal-namespace.sh).
RETENTION_DAYS = 3
#: The round whose costs are used.
COSTS_AT = 16
_DAY = 86_400


@dataclass(frozen=True)
class Costs:
    """Measured costs of an order: processor milliseconds by part, commits and bytes by database; and rates."""

    processor_ms: Mapping[str, float]
    stored: Mapping[str, float]
    rates: Mapping[int, float]
    cores: float

    @property
    def total_ms(self) -> float:
        """Of all parts, without the client that measures."""
        return sum(value for part, value in self.processor_ms.items() if part != "client")

    def of(self, *prefixes: str) -> float:
        """Milliseconds of all parts whose name begins so."""
        return sum(value for part, value in self.processor_ms.items() if part.startswith(prefixes))


def read(path: Path) -> Costs:
    """The costs in a file of `bench`."""
    results = json.loads(path.read_text())
    points = {point["in_flight"]: point for point in results["points"]}
    at = points[COSTS_AT]
    others = sum(point["others"] for point in points.values()) / len(points)
    rates = {number: point["per_second"] for number, point in points.items()}
    return Costs(at["processor_ms"], at["stored"], rates, max(0.1, results["cores"] - others))


def lines(costs: Costs) -> list[str]:
    """The model against the measured rates, and a table of what each rate needs, in Markdown."""
    network = fitted(costs.cores, costs.total_ms + costs.of("client"), costs.rates)
    found = errors(network, costs.rates)
    checked = [
        f"| {number} | {rate:.1f} | {network.at(number)[0]:.1f} | {100 * found[number]:+.0f} % |"
        for number, rate in sorted(costs.rates.items())
    ]
    return [
        f"Model: {network.on_the_way_ms:.0f} ms on the way, {network.beside_ms:.0f} ms beside,"
        f" {network.delay_ms:.0f} ms delay, {network.processors:.1f} processors.",
        "| in flight | measured a second | model | error |",
        "|---|---|---|---|",
        *checked,
        "| orders a second | API | workers | Temporal, cores | PostgreSQL: market, Temporal, cores | commits a second |"
        " WAL, MB a second | orders, GB a day | Temporal's store, GB | mean ms |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_row(rate, costs, network) for rate in RATES),
    ]


def _row(rate: int, costs: Costs, network: Network) -> str:
    def cores(*prefixes: str) -> float:
        return rate * costs.of(*prefixes) / 1000 / BUSY

    def processes(part: str) -> int:
        return max(2, math.ceil(cores(part)))

    # What PostgreSQL does for both (writing WAL, checkpoints) is shared out by half.
    shared = cores("postgres") - cores("postgres: ")
    market, temporal = cores("postgres: market") + shared / 2, cores("postgres: temporal") + shared / 2
    kept = costs.stored["bytes: temporal"] + costs.stored["bytes: temporal_visibility"]
    commits = sum(value for name, value in costs.stored.items() if name.startswith("commits"))
    cells = (
        f"{rate:,}",
        f"{processes('api')}",
        f"{processes('worker')}",
        f"{cores('temporal'):.1f}",
        f"{market:.1f}, {temporal:.1f}",
        f"{rate * commits:,.0f}",
        f"{rate * costs.stored['bytes: WAL'] / 1e6:,.1f}",
        f"{rate * costs.stored['bytes: market'] * _DAY / 1e9:,.1f}",
        f"{rate * kept * _DAY * RETENTION_DAYS / 1e9:,.0f}",
        f"{_mean_ms(rate, network):.0f}",
    )
    return f"| {' | '.join(cells)} |"


def _mean_ms(rate: int, network: Network) -> float:
    """The mean time of an order at this rate, on processors of which it uses the share BUSY."""
    larger = with_processors(network, rate * (network.on_the_way_ms + network.beside_ms) / 1000 / BUSY)
    in_flight = 1
    while larger.at(in_flight)[0] < rate and in_flight < 4 * rate:
        in_flight += max(1, in_flight // 8)
    return 1000 * in_flight / rate
