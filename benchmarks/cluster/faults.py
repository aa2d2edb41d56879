"""Parts that are killed, or restarted one by one, while orders are placed."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.cluster.load import Load
from benchmarks.cluster.system import Cluster
from sandbox.component import Component
from sandbox.errors import CannotStart

#: Seconds that a killed part is away, as long as a supervisor takes to start it again.
AWAY = 3.0
#: Orders that must be placed before a part is killed, and after it is back.
BEFORE, AFTER = 6, 12
#: A part that cannot start while another one is away is started again, so often.
STARTS = 5
#: Parts that `roll` leaves alone: what it shows is a deployment of the application.
ROLLED = ("api", "worker", "web")
Report = Callable[[str], None]


def cases(cluster: Cluster) -> list[str]:
    """What can be killed: of parts that are alike the first."""
    return [name for name in cluster.parts if not name[-1].isdigit() or name.endswith("-1")]


def kill(cluster: Cluster, case: str, report: Report) -> list[str]:
    """Kill one part (SIGKILL) under load, start it again, and return what is wrong after all orders have ended."""
    part, load = cluster.parts[case], Load(cluster)
    with load.running():
        load.wait_for(BEFORE)
        part.kill()
        time.sleep(AWAY)
        _start(part)
        load.wait_for(AFTER)
    return _result(f"kill {case}", cluster, load, report)


def roll(cluster: Cluster, report: Report) -> list[str]:
    """Restart APIs, workers and pages one by one under load; what is wrong after all orders have ended."""
    load = Load(cluster)
    with load.running():
        load.wait_for(BEFORE)
        for part in [part for kind in ROLLED for part in cluster.named(kind)]:
            part.stop()
            if part.ending != "exit code 0":
                load.failed.append(f"{part.name} ended with {part.ending}")
            _start(part)
            load.wait_for(BEFORE)
    refused = [f"failed once: {times} {cause}" for cause, times in load.repeated.items() if "Error" not in cause]
    return _result("roll", cluster, load, report) + refused


def _start(part: Component) -> None:
    for left in reversed(range(STARTS)):
        try:
            part.start()
            return
        except CannotStart:
            if not left:
                raise
            part.kill()
            time.sleep(1)


def _result(what: str, cluster: Cluster, load: Load, report: Report) -> list[str]:
    wrong = load.failed + cluster.audit()
    repeated = ", ".join(f"{times} {cause}" for cause, times in sorted(load.repeated.items())) or "none"
    report(f"{what}: {load.placed} orders, {load.opened} pages; repeated: {repeated}; {len(wrong)} violations")
    return wrong
