"""`python -m benchmarks cluster`: the system as a cluster on this machine: run, killed, restarted, measured."""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.cluster import bench, capacity, faults
from benchmarks.cluster.system import Cluster, Size, running_cluster
from sandbox.settings import Ports


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; 0 when nothing was violated."""
    options = _parser().parse_args(arguments)
    if options.command == "capacity":
        print("\n".join(capacity.lines(capacity.read(options.results))))
        return 0
    size = Size(options.api, options.workers, options.web, options.roles)
    ports = Ports.from_environment(os.environ) if options.command == "up" else Ports.free()
    with (
        tempfile.TemporaryDirectory(prefix="market-cluster-") as folder,
        running_cluster(Path(folder), size, ports) as cluster,
    ):
        print(
            f"{', '.join(cluster.parts)}\n\n  Shop                {cluster.pages}\n{cluster.addresses.table()}\n",
            flush=True,
        )
        wrong = _run(options, cluster)
    for line in wrong:
        print(f"violation: {line}", flush=True)
    return 1 if wrong else 0


def _run(options: argparse.Namespace, cluster: Cluster) -> list[str]:
    if options.command == "up":
        print("Ready. Data is deleted at the end. Press Ctrl-C to stop.", flush=True)
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(3600)
        print("Stopping.", flush=True)
        return []
    if options.command == "kill":
        known = faults.cases(cluster)
        if unknown := set(options.case) - {*known, "all"}:
            return [f"there is no {', '.join(unknown)}: {', '.join(known)}, all"]
        chosen = known if "all" in options.case else options.case
        return [line for case in chosen for line in faults.kill(cluster, case, _report)]
    if options.command == "roll":
        return faults.roll(cluster, _report)
    return bench.measure(cluster, options.seconds, options.results, _report)


def _report(line: str) -> None:
    print(line, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="run until Ctrl-C, on the ports of make up")
    killing = commands.add_parser("kill", help="kill parts one after the other under load; every order must end")
    killing.add_argument("case", nargs="+", help="a part, such as api-1, temporal-history or postgres, or `all`")
    commands.add_parser("roll", help="restart APIs, workers and pages one by one under load; no request may fail")
    measuring = commands.add_parser("bench", help="measure orders a second, and what an order costs each part")
    measuring.add_argument("--seconds", type=float, default=10, help="of a round (default: %(default)s)")
    measuring.add_argument("--results", type=Path, default=Path("bench-cluster.json"), help="file for the results")
    running = [*commands.choices.values()]
    calculating = commands.add_parser("capacity", help="calculate what other rates need, from the results of bench")
    calculating.add_argument("--results", type=Path, default=Path("bench-cluster.json"), help="file with the results")
    for command in running:
        command.add_argument("--roles", action="store_true", help="each role of Temporal's server as a process")
        command.add_argument("--api", type=int, default=2, help="processes (default: %(default)s)")
        command.add_argument("--workers", type=int, default=3, help="processes (default: %(default)s)")
        command.add_argument("--web", type=int, default=2, help="processes (default: %(default)s)")
    return parser
