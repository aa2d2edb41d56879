"""The queueing model: against formulas, a simulation, and the bounds that no system can exceed."""

from __future__ import annotations

import heapq
import math
import random

import pytest

from benchmarks.cluster.model import Network, errors, fitted


def repairman(in_flight: int, work: float, delay: float) -> float:
    """Throughput of one processor and a delay by the closed form (M/M/1//N)."""
    weights = [math.perm(in_flight, busy) * (work / delay) ** busy for busy in range(in_flight + 1)]
    return 1000 * (1 - weights[0] / sum(weights)) / work


@pytest.mark.parametrize("in_flight", [1, 4, 16])
def test_one_processor_agrees_with_the_closed_form(in_flight: int) -> None:
    found, mean_ms = Network(1, 20, 0, 80).at(in_flight)
    assert found == pytest.approx(repairman(in_flight, 20, 80), rel=1e-6)
    assert mean_ms == pytest.approx(1000 * in_flight / found)


def simulated(in_flight: int, processors: int, work: float, delay: float) -> float:
    """Throughput of 40,000 orders, exponentially distributed."""
    chosen, orders = random.Random(1), 40_000
    arrivals = [chosen.expovariate(1 / delay) for _ in range(in_flight)]
    free = [0.0] * processors
    heapq.heapify(arrivals)
    for _ in range(orders):
        begin = max(heapq.heappop(arrivals), heapq.heappop(free))
        end = begin + chosen.expovariate(1 / work)
        heapq.heappush(free, end)
        heapq.heappush(arrivals, end + chosen.expovariate(1 / delay))
    return 1000 * orders / min(free)


@pytest.mark.parametrize("in_flight", [1, 2, 4, 16])
def test_two_processors_agree_with_a_simulation_within_eight_percent(in_flight: int) -> None:
    assert Network(2, 50, 0, 60).at(in_flight)[0] == pytest.approx(simulated(in_flight, 2, 50, 60), rel=0.08)


def test_no_network_is_faster_than_its_processors() -> None:
    network = Network(2, 40, 20, 30)
    rates = [network.at(in_flight)[0] for in_flight in (1, 4, 16, 64, 256)]
    assert rates == sorted(rates)
    assert network.most_per_second == pytest.approx(1000 * 2 / 60)
    assert 0.97 * network.most_per_second < rates[-1] <= network.most_per_second


def test_a_network_is_found_again_by_its_rates() -> None:
    network = Network(2, 30, 26, 12)
    measured = {number: network.at(number)[0] for number in (1, 4, 16, 64)}
    found = fitted(2, 56, measured)
    assert found.on_the_way_ms == pytest.approx(30, rel=0.1)
    assert max(map(abs, errors(found, measured).values())) < 0.03
