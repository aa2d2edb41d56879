"""The report shows processor times beside rates; a noisy run shows neither ratios nor aims, and says so."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from benchmarks import report, results_file
from benchmarks.plan import CELLS, FULL, Case, Cell
from benchmarks.provenance import Provenance
from benchmarks.results import Results
from tests.benchmarks.builders import a_round, full_results

PROVENANCE = Provenance("2026-11-29T12:00:00+00:00", "abc", {"python": "3.11.2"}, {"cores": 2})
QUIET = full_results(dict.fromkeys(Case, 50))
IDLE = {"temporal": 20.0}


def noisy_results() -> Results:
    results = full_results(dict.fromkeys(Case, 50))
    for cell in CELLS:
        results.add(cell, a_round(others=2.0))
    return results


def printed(results: Results, *, evaluated: bool = True) -> str:
    console = Console(width=report.WIDTH, file=io.StringIO(), record=True)
    report.show(console, results, IDLE, evaluated=evaluated)
    return console.export_text()


def test_quiet_run_shows_rates_processor_times_ratios_and_aims() -> None:
    text = printed(QUIET)
    row = next(line for line in text.splitlines() if line.split()[:2] == ["16", "saga"])
    assert row.split()[2:6] == ["50.0", "1.00", "500", "500"]
    assert row.split()[6:] == ["20.0", "0.0", "0.0", "0.0", "0.0", "20.0"]
    assert "Load by others: 0.00 cores (at most 0.3: quiet)" in text
    assert "saga ÷ floor, 16 in flight ≥ 1.45 (beyond: 1.7)" in text
    assert "missed" in text


def test_noisy_run_says_so_and_claims_nothing() -> None:
    text = printed(noisy_results())
    assert "noisy: more than 0.3 cores, so this run claims nothing" in text
    assert "÷ floor" not in text
    assert "Aims" not in text


def test_short_run_is_not_evaluated() -> None:
    text = printed(QUIET, evaluated=False)
    assert "Too short for an evaluation." in text
    assert "÷ floor" not in text


def test_results_file_has_every_cell_and_where_it_was_measured(tmp_path: Path) -> None:
    path = tmp_path / "new" / "bench.json"
    results_file.write(results_file.as_json(QUIET, FULL, PROVENANCE, IDLE, evaluated=True), path)
    read = json.loads(path.read_text())
    assert {case: list(cells) for case, cells in read["cases"].items()} == {
        "rest": ["1", "16", "64"],
        **{case: ["16", "64"] for case in ("floor", "saga", "hot")},
    }
    saga = read["cases"]["saga"]["16"]
    assert (saga["per_second"], saga["p50_ms"], saga["ratio_to_floor"]) == (50.0, 500.0, 1.0)
    assert saga["cpu_ms_per_order"]["worker"] == 20.0
    assert (read["at"], read["commit"], read["machine"]) == (PROVENANCE.at, "abc", {"cores": 2})
    assert (read["noisy"], len(read["aims"])) == (False, 7)


def test_results_file_of_a_noisy_run_has_no_ratios_and_no_aims() -> None:
    found = results_file.as_json(noisy_results(), FULL, PROVENANCE, IDLE, evaluated=True)
    assert (found["noisy"], found["aims"]) == (True, None)
    assert "ratio_to_floor" not in results_file.cell_as_json(noisy_results(), Cell(Case.SAGA, 16), ratio=False)
    assert "ratio_to_floor" not in json.dumps(found)
