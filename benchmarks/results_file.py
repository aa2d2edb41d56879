"""The results file: all figures of a run as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from benchmarks.aims import aims_of
from benchmarks.plan import Case, Cell, Plan
from benchmarks.provenance import Provenance
from benchmarks.results import Results


def as_json(
    results: Results, plan: Plan, provenance: Provenance, idle: Mapping[str, float], *, evaluated: bool
) -> dict[str, object]:
    """All results; ratios and aims only if the run was `evaluated` and not noisy.

    `idle` is the processor time of each part without orders, in milliseconds per second.
    """
    claims = evaluated and not results.noisy
    cases: dict[str, dict[str, object]] = {}
    for cell in results.rounds:
        cases.setdefault(cell.case, {})[str(cell.in_flight)] = cell_as_json(results, cell, ratio=claims)
    return {
        **asdict(provenance),
        "rounds": plan.rounds,
        "seconds": plan.seconds,
        "others_cores": round(results.others, 3),
        "noisy": results.noisy,
        "cases": cases,
        "cpu_ms_per_second_idle": _rounded(idle),
        "aims": [asdict(aim) | {"outcome": aim.outcome} for aim in aims_of(results)] if claims else None,
    }


def cell_as_json(results: Results, cell: Cell, *, ratio: bool) -> dict[str, object]:
    """The figures of one cell, with the ratio to the floor if that was measured and `ratio` is wanted."""
    found: dict[str, object] = {
        **_rounded(asdict(results.figures(cell))),
        "drained_s": round(results.drained(cell), 2),
        "cpu_ms_per_order": _rounded(results.milliseconds(cell)),
    }
    if ratio and Cell(Case.FLOOR, cell.in_flight) in results.rounds:
        found["ratio_to_floor"] = round(results.ratio(cell.case, Case.FLOOR, cell.in_flight), 3)
    return found


def write(report: Mapping[str, object], path: Path) -> None:
    """Write a results file atomically; creates its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    unfinished.replace(path)


def _rounded(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 2) for name, value in figures.items()}
