"""A queueing model of an order: mean value analysis of a closed network with the processors and a delay.

The work of an order is on its way (the buyer waits for it) or beside it (messages, webhooks, timers); both use the same
processors. Its delay is what takes no processor: the disk, the network, and timers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

#: Rounds in which throughput and the work beside converge.
_ROUNDS = 200


@dataclass(frozen=True)
class Network:
    """Milliseconds an order; `processors` serve one after the other from one queue."""

    processors: float
    on_the_way_ms: float
    beside_ms: float
    delay_ms: float

    @property
    def most_per_second(self) -> float:
        """Orders a second at which the processors are never idle."""
        return 1000 * self.processors / (self.on_the_way_ms + self.beside_ms)

    def at(self, in_flight: int) -> tuple[float, float]:
        """Orders a second and mean milliseconds of an order, with so many always in flight."""
        per_second = 0.0
        for _ in range(_ROUNDS):
            # What is done beside takes its share of the processors away.
            left = max(1e-9, self.processors - per_second * self.beside_ms / 1000)
            found = _closed(in_flight, left, self.on_the_way_ms, self.delay_ms)
            per_second = (per_second + min(found, self.most_per_second)) / 2
        return per_second, 1000 * in_flight / per_second


def _closed(in_flight: int, processors: float, work_ms: float, delay_ms: float) -> float:
    """Throughput a second of exact MVA; processors are one queue and a delay (Seidmann)."""
    servers = max(1.0, processors)
    queue_ms = work_ms / processors
    fixed_ms = delay_ms + queue_ms * (servers - 1)
    waiting = throughput = 0.0
    for customers in range(1, in_flight + 1):
        response = queue_ms * (1 + waiting)
        throughput = customers / (fixed_ms + response)
        waiting = throughput * response
    return 1000 * throughput


def fitted(processors: float, work_ms: float, measured: Mapping[int, float]) -> Network:
    """The network whose rates at the two smallest numbers in flight are nearest to the measured ones.

    Args:
        processors: of the machine, less what others used.
        work_ms: measured processor milliseconds of all parts an order.
        measured: orders a second by the number in flight.
    """
    known = sorted(measured)[:2]
    alone_ms = 1000 * known[0] / measured[known[0]]
    shares = [share / 100 for share in range(5, 101)]
    possible = [
        Network(processors, work_ms * share, work_ms * (1 - share), max(0.0, alone_ms - work_ms * share))
        for share in shares
        if work_ms * share <= alone_ms
    ]

    def error(network: Network) -> float:
        return sum(abs(network.at(number)[0] / measured[number] - 1) for number in known)

    return min(possible or [Network(processors, alone_ms, max(0.0, work_ms - alone_ms), 0.0)], key=error)


def errors(network: Network, measured: Mapping[int, float]) -> dict[int, float]:
    """By the number in flight: how much the model's rate is above the measured one; 0.1 is ten percent."""
    return {number: network.at(number)[0] / rate - 1 for number, rate in measured.items()}


def with_processors(network: Network, processors: float) -> Network:
    """The same orders on another number of processors."""
    return replace(network, processors=processors)
