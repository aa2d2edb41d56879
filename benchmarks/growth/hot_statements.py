"""The plans of the statements that an order executes, logged by PostgreSQL's auto_explain."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

#: Rows from which a table is large: a sequential scan of it is a finding.
LARGE = 1000

_LOGGED = re.compile(r"duration: \S+ ms +plan:$")
_LARGE = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.reltuples >= %s"""
# Parameters are not logged: they may be a person's data.
_SETTINGS = {
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_format": "json",
    "auto_explain.log_verbose": "on",
    "auto_explain.log_parameter_max_length": "0",
}


@dataclass
class Statement:
    """A statement with all plans that were used for it."""

    text: str
    calls: int = 0
    #: the highest of the planner's costs
    cost: float = 0.0
    #: `Index Scan orders.orders ix_orders_open`, each once
    scans: list[str] = field(default_factory=list)
    #: large tables that were read from end to end
    sequential: list[str] = field(default_factory=list)


@contextmanager
def logged_plans(connection: psycopg.Connection, log: Path) -> Iterator[list[dict[str, Any]]]:
    """Log the plan of every statement of other connections meanwhile; the list is filled at the end.

    The connections must have loaded auto_explain.
    """
    plans: list[dict[str, Any]] = []
    connection.execute("SET auto_explain.log_min_duration = -1")
    start = log.stat().st_size
    for name, value in _SETTINGS.items():
        connection.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    connection.execute("SELECT pg_reload_conf()")
    try:
        yield plans
    finally:
        for name in _SETTINGS:
            connection.execute(f"ALTER SYSTEM RESET {name}".encode())
        connection.execute("SELECT pg_reload_conf()")
    with log.open("rb") as lines:
        lines.seek(start)
        plans += read_plans(lines.read().decode(errors="replace"))


def read_plans(log: str) -> Iterator[dict[str, Any]]:
    """The plans in a server log: an entry's further lines begin with a tab."""
    for entry in re.split(r"\n(?!\t)", log):
        head, _, body = entry.partition("\n")
        if _LOGGED.search(head):
            yield json.loads(body)


def large_tables(connection: psycopg.Connection) -> set[str]:
    """Names with schema of the tables that have at least LARGE rows, by the last ANALYZE."""
    return {name for (name,) in connection.execute(_LARGE, [LARGE])}


def hot_statements(plans: Sequence[Mapping[str, Any]], large: set[str]) -> list[Statement]:
    """The statements of these plans, the most frequent first."""
    found: dict[str, Statement] = {}
    for plan in plans:
        text = " ".join(plan["Query Text"].split())
        _add(found.setdefault(text, Statement(text)), plan["Plan"], large)
    return sorted(found.values(), key=lambda statement: -statement.calls)


def _add(statement: Statement, plan: Mapping[str, Any], large: set[str]) -> None:
    statement.calls += 1
    statement.cost = max(statement.cost, plan["Total Cost"])
    for node in _scans(plan):
        relation = f"{node.get('Schema', '')}.{node['Relation Name']}"
        scan = " ".join(filter(None, (node["Node Type"], relation, node.get("Index Name"))))
        if scan not in statement.scans:
            statement.scans.append(scan)
        if node["Node Type"] == "Seq Scan" and relation in large and relation not in statement.sequential:
            statement.sequential.append(relation)


def _scans(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "Scan" in plan["Node Type"] and "Relation Name" in plan:
        yield plan
    for child in plan.get("Plans", ()):
        yield from _scans(child)
