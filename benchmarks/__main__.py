"""`python -m benchmarks [orders|identity|growth|memory|peers|cluster]`: measurements; `--help` describes each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from benchmarks import identity, memory, orders
from benchmarks.cluster import command as cluster
from benchmarks.growth import command as growth
from benchmarks.peers import command as peers
from benchmarks.process import NotMeasured
from sandbox.errors import CannotStart
from sandbox.signals import interrupt_on_signals

COMMANDS: dict[str, Callable[[Sequence[str]], int]] = {
    "orders": orders.main,
    "identity": identity.main,
    "growth": growth.main,
    "memory": memory.main,
    "peers": peers.main,
    "cluster": cluster.main,
}


def main(arguments: Sequence[str]) -> int:
    """Run one benchmark, by default `orders`; 0 when it was measured and nothing was violated."""
    name, rest = (arguments[0], arguments[1:]) if arguments and arguments[0] in COMMANDS else ("orders", arguments)
    try:
        with interrupt_on_signals():
            return COMMANDS[name](rest)
    except (CannotStart, NotMeasured) as problem:
        print(f"benchmarks: {problem}", file=sys.stderr)
    except KeyboardInterrupt:
        print("benchmarks: interrupted, nothing was measured", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
