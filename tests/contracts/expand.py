"""Contract of the migrations: processes of the release before work with the schema of this one.

What a migration takes away is allowed with a reason, once no process reads it any more: in the migration,

    contracted = {"orders.orders.old_column": "0.3.0: replaced by new_column in 0023"}

names the first release that does not use it, which must be out.
"""

from __future__ import annotations

import re
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from services import migrate
from tests.contracts.checks import ContractBroken

#: The releases that are out, and the last migration of each; a release adds itself.
RELEASES = {"0.2.0": "0010"}
_COLUMNS = """
    SELECT format('%I.%I.%I', n.nspname, c.relname, a.attname) AS name, format_type(a.atttypid, a.atttypmod) AS type,
           a.attnotnull AS required, a.atthasdef OR a.attidentity <> '' AS filled
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped
       AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'public')
    """
_REASON = re.compile(r"(\d+\.\d+\.\d+): \S.{9,}")
_VARCHAR = re.compile(r"character varying\((\d+)\)")


@dataclass(frozen=True)
class Column:
    """A column: its type, whether it takes no null, and whether it has a value when none is given."""

    type: str
    required: bool
    filled: bool


Schema = Mapping[str, Column]


def later_schemas_serve_the_release_before() -> None:
    """No migration drops, renames, retypes or requires what the last release reads or writes, unless with a reason."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # when started by root, PostgreSQL runs as another user, who needs access
        with EmbeddedPostgres(Path(folder) / "data", free_port(), secrets.token_hex(8), durable=False) as server:
            check(migrate.config(server.url()))


def check(config: Config, released: str = [*RELEASES.values()][-1]) -> None:
    """Migrate an empty database one by one from the release's last migration. Raises ContractBroken."""
    scripts, url = ScriptDirectory.from_config(config), str(config.attributes["url"])
    command.upgrade(config, released)
    base = _schema(url)
    later = [script for script in scripts.walk_revisions(released, "heads") if script.revision != released]
    broken_before: set[str] = set()
    for script in reversed(later):
        command.upgrade(config, script.revision)
        broken = {name: what for name, what in _broken(base, _schema(url)) if name not in broken_before}
        _compare(script.revision, broken, getattr(script.module, "contracted", {}))
        broken_before |= broken.keys()


def _compare(revision: str, broken: Mapping[str, str], contracted: Mapping[str, Any]) -> None:
    for name, what in broken.items():
        reason = _REASON.fullmatch(str(contracted.get(name, "")))
        if reason is None or reason.group(1) not in RELEASES:
            raise ContractBroken(
                f"Migration {revision}: {name} {what}, and the release before uses it. Expand first, and contract in a"
                f' later release (docs/contributing.md, "Change the schema"), or say since which release that is out'
                f' nothing uses it: contracted = {{"{name}": "RELEASE: REASON"}}.'
            )
    if unneeded := contracted.keys() - broken.keys():
        raise ContractBroken(f"Migration {revision} takes nothing away of {', '.join(sorted(unneeded))}: remove it.")


def _broken(base: Schema, now: Schema) -> Iterator[tuple[str, str]]:
    tables = {name.rpartition(".")[0] for name in base}
    for name, column in base.items():
        found = now.get(name)
        if found is None:
            yield name, "is dropped or renamed"
        elif not _holds(found.type, column.type):
            yield name, f"changes its type from {column.type} to {found.type}"
        elif found.required and not column.required:
            yield name, "takes no null any more"
        elif found.required and column.filled and not found.filled:
            yield name, "loses its default"
    for name, column in now.items():
        if name not in base and name.rpartition(".")[0] in tables and column.required and not column.filled:
            yield name, "is new, takes no null and has no default"


def _holds(new: str, old: str) -> bool:
    """Whether a column of the new type reads and stores what one of the old type does."""
    longer, shorter = _VARCHAR.fullmatch(new), _VARCHAR.fullmatch(old)
    if shorter and longer:
        return int(longer.group(1)) >= int(shorter.group(1))
    return new == old or (shorter is not None and new == "text")


def _schema(url: str) -> Schema:
    with psycopg.connect(url) as connection:
        rows = connection.execute(_COLUMNS).fetchall()
    return {name: Column(kind, required, filled) for name, kind, required, filled in rows}
