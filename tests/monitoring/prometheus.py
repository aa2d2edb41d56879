"""A real Prometheus (Debian's package `prometheus`) that scrapes a shop, and the queries of the dashboards."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from sandbox.ports import LOOPBACK, free_port
from tests.contracts.checks import ROOT
from tests.contracts.monitoring import metrics_used
from tests.journeys.waiting import until

MONITORING = ROOT / "deploy" / "monitoring"
DASHBOARDS = sorted((MONITORING / "grafana" / "dashboards").glob("*.json"))
#: What Grafana's `$__rate_interval` is in the tests.
RATE_INTERVAL = "10m"


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`; skips the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install prometheus")
    return found


@dataclass(frozen=True)
class Query:
    """One query of a panel."""

    dashboard: str
    panel: str
    text: str


def queries() -> list[Query]:
    """All queries of all dashboards."""
    return [
        Query(path.stem, panel["title"], target["expr"].replace("$__rate_interval", RATE_INTERVAL))
        for path in DASHBOARDS
        for panel in json.loads(path.read_text())["panels"]
        for target in panel["targets"]
    ]


def watched_series() -> set[str]:
    """The series of every alert and of every rule that one uses: a metric with the labels that are asked for."""
    text = (MONITORING / "alerts.yml").read_text()
    recorded = {*re.findall(r'record: "([^"]+)"', text)}
    used = {name for place, name in metrics_used() if place == "alerts.yml"} - recorded
    found = re.findall(r"(?<![\w:])([a-z][a-z0-9_:]*)(\{[^}]*\})?", "\n".join(re.findall(r"expr: (.+)", text)))
    return {f"{name}{labels}" for name, labels in found if name in used}


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    address: str

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer. Raises AssertionError with Prometheus' own words when it refuses."""
        answer = httpx2.get(f"{self.address}/api/v1/{path}", params=parameters, timeout=10).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, text: str) -> list[dict[str, Any]]:
        """The samples of a query now."""
        found: list[dict[str, Any]] = self.get("query", query=text)["result"]
        return found


@contextmanager
def scraping(folder: Path, targets: Sequence[tuple[str, str]]) -> Iterator[Prometheus]:
    """A Prometheus with the rules of the project, which scrapes the targets (job, host:port) every two seconds."""
    executable, port = program("prometheus"), free_port()
    jobs = "".join(f"  - {{job_name: {job}, static_configs: [{{targets: ['{target}']}}]}}\n" for job, target in targets)
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 2s}\n"
        f"rule_files: ['{MONITORING / 'alerts.yml'}']\nscrape_configs:\n{jobs}"
    )
    command = [
        executable,
        *(f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", "--log.level=warn"),
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    with (folder / "prometheus.log").open("w") as log, subprocess.Popen(command, stderr=log, stdout=log) as running:
        prometheus = Prometheus(f"http://{LOOPBACK}:{port}")
        try:
            until(lambda: _answers(prometheus))
            yield prometheus
        finally:
            running.terminate()


def _answers(prometheus: Prometheus) -> bool:
    try:
        return httpx2.get(f"{prometheus.address}/-/ready").status_code == 200
    except httpx2.HTTPError:
        return False
