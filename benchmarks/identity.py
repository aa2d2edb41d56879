"""`python -m benchmarks identity`: cost of signing in, effect of logins on other requests, enumeration by timing."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.aims import Aim, aims_table
from benchmarks.identity_measures import ENDPOINTS, LOGINS_IN_FLIGHT, auc, hashes, measure_login_load, pairs, sign_ins
from benchmarks.identity_system import DEFAULT, FLOOR, PROFILES, running_api, running_servers
from benchmarks.provenance import machine
from benchmarks.results import percentile
from sandbox.stack import Stack


@dataclass(frozen=True)
class SampleSizes:
    """Number of samples of each measurement."""

    logins: int = 60
    rounds: int = 4
    requests: int = 500
    pairs: int = 300


#: Checks that everything works; too few samples for results.
QUICK = SampleSizes(logins=5, rounds=1, requests=20, pairs=5)


class IdentityResults:
    """The table of times, and the aims."""

    def __init__(self) -> None:
        self.aims: list[Aim] = []
        self.table = Table("measurement", title="Sign-in", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("samples", "p50 ms", "p95 ms", "p99 ms"):
            self.table.add_column(heading, justify="right")

    def add(self, name: str, seconds: Sequence[float]) -> None:
        """Add a row of times."""
        times = [f"{1000 * percentile(seconds, percent):.1f}" for percent in (50, 95, 99)]
        self.table.add_row(name, str(len(seconds)), *times)

    def add_aim(self, description: str, measured: float, *, minimum: float = 0.0, maximum: float) -> None:
        """Add an aim with its limits."""
        self.aims.append(Aim(description, measured, minimum <= measured <= maximum))


def main(argv: Sequence[str]) -> int:
    """Measure and print the results; 0 when every response had the expected status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks identity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="check that everything works; no evaluation")
    parser.add_argument(
        "--profiles", action="store_true", help="measure only the hashing profiles of docs/deploying.md"
    )
    arguments = parser.parse_args(argv)
    quick, console = arguments.quick, Console(highlight=False)
    if arguments.profiles:
        console.print(_profiles(QUICK if quick else SampleSizes()))
        return 0
    console.print(f"{machine()}\nStarting PostgreSQL and the API …")
    with tempfile.TemporaryDirectory(prefix="market-identity-") as folder:
        results = _measured(Path(folder), QUICK if quick else SampleSizes())
    console.print(results.table)
    console.print("Too few samples for an evaluation." if quick else aims_table(results.aims))
    return 0


def _profiles(sizes: SampleSizes) -> Table:
    results = IdentityResults()
    for profile in PROFILES:
        profile_name = f"{profile.memory_kib} KiB, {profile.time_cost} passes, {profile.parallelism} lanes"
        results.add(profile_name, hashes(profile, sizes.logins))
    return results.table


def _measured(folder: Path, sizes: SampleSizes) -> IdentityResults:
    results = IdentityResults()
    with running_servers(folder / "data") as stack:
        _measure_sign_ins(results, stack, sizes)
        _measure_enumeration(results, stack, sizes)
    return results


def _measure_sign_ins(results: IdentityResults, stack: Stack, sizes: SampleSizes) -> None:
    with running_api(stack, DEFAULT, 20) as api:
        alone = sign_ins(api, sizes.logins)
        load = measure_login_load(api, sizes.rounds, sizes.requests)
    results.add("password hash (argon2-cffi's profile)", alone.hashes)
    results.add("sign-in", alone.logins)
    results.add_aim("sign-in: p50 at most 1.2 times the hash", alone.ratio, maximum=1.2)
    results.add("other request", load.alone)
    results.add(f"other request, {LOGINS_IN_FLIGHT} logins in flight", load.under_load)
    results.add(f"sign-in, {LOGINS_IN_FLIGHT} in flight", load.logins)
    results.add_aim(
        f"other request: p99 with {LOGINS_IN_FLIGHT} logins in flight at most 2 times the p99 without",
        load.ratio,
        maximum=2,
    )


def _measure_enumeration(results: IdentityResults, stack: Stack, sizes: SampleSizes) -> None:
    # The cheapest profile that production allows: a shorter hash hides less of the other work.
    with running_api(stack, FLOOR, sizes.pairs) as api:
        for endpoint in ENDPOINTS:
            known, unknown = pairs(api, endpoint, sizes.pairs)
            results.add(f"{endpoint.name}, known address (19 MiB, 2 passes)", known)
            results.add(f"{endpoint.name}, unknown address", unknown)
            results.add_aim(
                f"{endpoint.name}: rank statistic (AUC) from 0.45 to 0.55",
                auc(known, unknown),
                minimum=0.45,
                maximum=0.55,
            )
