"""Contracts of deploy/monitoring: alerts lead to the runbook, and the metrics of alerts and dashboards exist."""

from __future__ import annotations

import ast
import json
import mmap
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml
from temporalio.bridge import temporal_sdk_bridge

from tests.contracts.checks import ROOT, ContractBroken

MONITORING = ROOT / "deploy" / "monitoring"
RULES = MONITORING / "alerts.yml"
#: Where metrics of our own are named.
SOURCES = ("workers/metrics", "api/ops", "web")
#: Metrics that Prometheus itself makes.
BUILT_IN = {"up", "ALERTS"}
_WORD = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
# What is no name of a metric: texts, labels, durations, lists of labels.
_NO_METRIC = re.compile(r"'[^']*'|\"[^\"]*\"|\{[^}]*\}|\[[^\]]*\]|\b(?:by|without|on)\s*\([^)]*\)")
_SUFFIXES = re.compile(r"_(?:total|bucket|count|sum)$")


def alerts_lead_to_the_runbook() -> None:
    """Every alert has a severity and a runbook, and its runbook is an entry of docs/operations.md."""
    entries = {_anchor(title) for title in re.findall(r"^##+ (.+)$", _text("docs/operations.md"), re.MULTILINE)}
    for alert in re.split(r"^ +- alert: ", RULES.read_text(), flags=re.MULTILINE)[1:]:
        name = alert.split("\n", 1)[0]
        runbook = re.search(r"runbook: docs/operations\.md#(\S+)", alert)
        if runbook is None or runbook[1] not in entries or "severity:" not in alert:
            raise ContractBroken(f"{name}: give it a severity, and a runbook that is a heading of docs/operations.md.")


def alerts_are_described() -> None:
    """Every alert has a row in docs/monitoring.md, and every row an alert."""
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    rows = set(re.findall(r"^\| `(\w+)` \|", _text("docs/monitoring.md").partition("## Alerts")[2], re.MULTILINE))
    if different := alerts ^ rows:
        raise ContractBroken(f"docs/monitoring.md and alerts.yml differ: {', '.join(sorted(different))}.")


def metrics_exist() -> None:
    """Every metric of an alert or a dashboard is one of our code, of Temporal's SDK or of Temporal's server."""
    ours = set(_declared())
    for place, name in metrics_used():
        bare = _SUFFIXES.sub("", name)
        if (
            name in BUILT_IN
            or {name, bare} & ours
            or (bare.startswith("temporal_") and _in_sdk(bare))
            or _of_server(bare)
        ):
            continue
        raise ContractBroken(f"{place} uses {name}, which no part of the system measures.")


def metrics_are_described() -> None:
    """Every metric of our code has a row in docs/deploying.md."""
    page = _text("docs/deploying.md")
    if missing := [name for name in _declared() if f"`{name}" not in page and ":" not in name]:
        raise ContractBroken(f"docs/deploying.md has no row for {', '.join(missing)}.")


def processes_are_scraped() -> None:
    """Prometheus scrapes METRICS_PORT of every process of docker-compose.yml that has one."""
    services = yaml.safe_load(_text("docker-compose.yml"))["services"]
    ports = {name: (given.get("environment") or {}).get("METRICS_PORT") for name, given in services.items()}
    jobs = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["scrape_configs"]
    found = [each for job in jobs for each in job.get("dns_sd_configs", [])]
    scraped = {(name, str(each["port"])) for each in found for name in each["names"]}
    if missing := sorted(name for name, port in ports.items() if port and (name, port) not in scraped):
        raise ContractBroken(f"prometheus.yml does not scrape {', '.join(missing)}.")


def _text(path: str) -> str:
    return (ROOT / path).read_text()


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def _declared() -> Iterator[str]:
    for folder in SOURCES:
        for path in sorted((ROOT / folder).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                    first = node.args[0]
                    kinds = {"Counter", "Gauge", "Histogram", "GaugeMetricFamily", "CounterMetricFamily"}
                    if node.func.id in kinds and isinstance(first, ast.Constant):
                        yield str(first.value)
    yield from re.findall(r'record: "([^"]+)"', RULES.read_text())


def metrics_used() -> Iterator[tuple[str, str]]:
    """The metrics of alerts and dashboards, each with the place that uses it."""
    for expression in re.findall(r"expr: (.+?)(?: \})?$", RULES.read_text(), re.MULTILINE):
        yield from (("alerts.yml", name) for name in _names(expression.strip("'")))
    for path in sorted((MONITORING / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield from ((f"{path.name}, {panel['title']}", name) for name in _names(target["expr"]))


def _names(expression: str) -> Iterator[str]:
    plain = _NO_METRIC.sub(" ", expression)
    for found in _WORD.finditer(plain):
        called = plain[found.end() :].lstrip().startswith("(")
        if not called and found[0] not in ("and", "or", "unless", "le") and not found[0].isdigit():
            yield found[0]


def _in_sdk(name: str) -> bool:
    plain = name.removeprefix("temporal_").removesuffix("_seconds")
    return _contains(Path(str(temporal_sdk_bridge.__file__)), plain)


def _of_server(name: str) -> bool:
    # the development server has the code of the server
    return _contains(Path(sys.executable).with_name("temporal"), name)


def _contains(path: Path, text: str) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text.encode()) >= 0
