"""`python -m benchmarks identity`: what signing in costs, whom a login storm disturbs, and what times give away."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks import report
from benchmarks.identity_measures import DOORS, IN_FLIGHT, a_storm, auc, hashes, pairs, sign_ins
from benchmarks.identity_scene import DEFAULT, FLOOR, PROFILES, outside, place
from benchmarks.process import NotMeasured
from benchmarks.results import Aim, percentile
from sandbox.errors import CannotStart
from sandbox.signals import interrupt_on_signals
from sandbox.stack import Stack


@dataclass(frozen=True)
class Much:
    """How much is measured."""

    logins: int = 60
    rounds: int = 4
    requests: int = 500
    pairs: int = 300


#: Shows that everything runs; too short for figures.
QUICK = Much(logins=5, rounds=1, requests=20, pairs=5)


class Findings:
    """A table of times, and the aims."""

    def __init__(self) -> None:
        self.aims: list[Aim] = []
        self.table = Table("what", title="Seconds × 1000", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for heading in ("how many", "p50 ms", "p95 ms", "p99 ms"):
            self.table.add_column(heading, justify="right")

    def add(self, what: str, seconds: Sequence[float]) -> None:
        """One line of times."""
        times = [f"{1000 * percentile(seconds, percent):.1f}" for percent in (50, 95, 99)]
        self.table.add_row(what, str(len(seconds)), *times)

    def judge(self, says: str, measured: float, *, least: float = 0.0, most: float) -> None:
        """One aim."""
        self.aims.append(Aim(says, measured, least <= measured <= most))


def main(words: Sequence[str]) -> int:
    """Measure and print; 0 when everything was answered as it should be, whatever the figures are."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks identity", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shows that it runs; not judged")
    parser.add_argument("--profiles", action="store_true", help="only what a hash costs by the profiles of the docs")
    arguments = parser.parse_args(words)
    quick, console = arguments.quick, Console(highlight=False)
    if arguments.profiles:
        console.print(_profiles(QUICK if quick else Much()))
        return 0
    console.print(f"{report.machine()}\nStarting PostgreSQL and an api …")
    try:
        with interrupt_on_signals(), tempfile.TemporaryDirectory(prefix="market-identity-") as folder:
            found = _measured(Path(folder), QUICK if quick else Much())
    except (CannotStart, NotMeasured) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmarks: interrupted, nothing was measured", file=sys.stderr)
        return 1
    console.print(found.table)
    console.print("Too short to be judged: it shows that everything runs." if quick else report.aims_table(found.aims))
    return 0


def _profiles(much: Much) -> Table:
    found = Findings()
    for profile in PROFILES:
        words = f"{profile.memory_kib} KiB, {profile.time_cost} passes, {profile.parallelism} lanes"
        found.add(words, hashes(profile, much.logins))
    return found.table


def _measured(folder: Path, much: Much) -> Findings:
    found = Findings()
    with outside(folder / "data") as stack:
        _signing_in(found, stack, much)
        _telling_apart(found, stack, much)
    return found


def _signing_in(found: Findings, stack: Stack, much: Much) -> None:
    with place(stack, DEFAULT, 20) as usual:
        alone = sign_ins(usual, much.logins)
        storm = a_storm(usual, much.rounds, much.requests)
    found.add("a hash alone (argon2-cffi's profile)", alone.hashes)
    found.add("a sign-in alone", alone.logins)
    found.judge("sign-in alone: p50 at most 1.2 of the hash's own", alone.ratio, most=1.2)
    found.add("another request alone", storm.alone)
    found.add(f"another request, {IN_FLIGHT} logins in flight", storm.meanwhile)
    found.add("a login among them", storm.logins)
    found.judge(f"others' p99 with {IN_FLIGHT} logins in flight: at most 2 of that alone", storm.ratio, most=2)


def _telling_apart(found: Findings, stack: Stack, much: Much) -> None:
    # The cheapest profile that production takes: a hash hides less of what goes on around it.
    with place(stack, FLOOR, much.pairs) as cheap:
        for door in DOORS:
            known, unknown = pairs(cheap, door, much.pairs)
            found.add(f"{door.name}, an account (19 MiB, 2 passes)", known)
            found.add(f"{door.name}, none", unknown)
            found.judge(
                f"{door.name}: rank statistic of the two from 0.45 to 0.55", auc(known, unknown), least=0.45, most=0.55
            )
