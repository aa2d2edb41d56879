"""What each part of the cluster has used until now: processor time, transactions, WAL and disk."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from benchmarks import processor
from benchmarks.cluster.system import Cluster

_DATABASES = "SELECT datname, xact_commit, pg_database_size(datid) FROM pg_stat_database WHERE datname = ANY(%s)"
_NAMES = ["market", "temporal", "temporal_visibility"]
_WAL = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"


def processor_seconds(cluster: Cluster) -> dict[str, float]:
    """Processor seconds by part; parts that are alike together, PostgreSQL by the database that a backend serves."""
    found: dict[str, float] = defaultdict(float)
    for name, part in cluster.parts.items():
        kind = name.rpartition("-")[0] if name[-1].isdigit() else name
        found[kind] += processor.seconds_of(part.pid)
    found |= _backends(cluster.parts["postgres"].pid)
    found["postgres"] -= sum(seconds for part, seconds in found.items() if part.startswith("postgres: "))
    return dict(found)


def _backends(postmaster: int) -> dict[str, float]:
    """Processor seconds of the running backends, by their database."""
    found = {f"postgres: {name}": 0.0 for name in _NAMES}
    for task in (processor.PROC / str(postmaster) / "task").iterdir():
        for child in (task / "children").read_text().split():
            title = _title(processor.PROC / child)
            if title in found:
                found[title] += processor.seconds_of(int(child))
    return found


def _title(process: Path) -> str:
    # `postgres: ROLE DATABASE ADDRESS …`
    words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").split()
    return f"postgres: {words[2]}" if len(words) > 2 else ""


def stored(cluster: Cluster) -> dict[str, int]:
    """Commits and bytes of each database, and bytes of WAL."""
    with cluster.databases.administrator() as connection:
        rows = connection.execute(_DATABASES, [_NAMES]).fetchall()
        (wal,) = connection.execute(_WAL).fetchone() or (0,)
    commits = {f"commits: {name}": int(count) for name, count, _ in rows}
    sizes = {f"bytes: {name}": int(size) for name, _, size in rows}
    return {**commits, **sizes, "bytes: WAL": int(wal)}
