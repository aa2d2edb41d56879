"""Values that may be stored in few places: sent to every operation, and searched everywhere else (ABUSE T113)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

from tests.journeys.shop import Shop

#: A code of six digits, so that no part of a time or an id is taken for one.
_CODE = re.compile(rb"\d{6}")
#: Logs of those who are not ours: the stand-ins print what they are asked.
FOREIGN_LOGS = {"standins.log"}
_COLUMNS = """
    SELECT table_schema, table_name, column_name FROM information_schema.columns
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'public')
       AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY')
"""


def a_secret(kind: str) -> str:
    """A value that occurs nowhere by chance."""
    return f"canary-{kind}-{secrets.token_hex(8)}"


@dataclass
class Canaries:
    """What to look for, by what it is; values may join until the search."""

    values: dict[str, str] = field(default_factory=dict)

    def keep(self, kind: str, value: str) -> str:
        """Look for this value too; returns it."""
        self.values[kind] = value
        return value

    def keep_all(self, kind: str, values: Mapping[str, str]) -> None:
        """Look for each of these values too."""
        for name, value in values.items():
            self.keep(f"{kind} {name}", value)

    def found_in(self, content: bytes, *, codes: bool = True) -> list[str]:
        """What of it is in there."""
        return [kind for kind, value in self.values.items() if _pattern(value, codes=codes).search(content)]


def _pattern(value: str, *, codes: bool) -> re.Pattern[bytes]:
    plain = value.encode()
    if _CODE.fullmatch(plain):
        return re.compile(rb"(?<![\w.+-])" + plain + rb"(?![\w.-])" if codes else rb"(?!)")
    # a number is as well known without its plus, an address in any case of letters
    return re.compile(re.escape(plain.removeprefix(b"+")), re.IGNORECASE)


def logs(folder: Path) -> dict[str, bytes]:
    """Everything that our processes and their servers wrote, by file."""
    return {file.name: file.read_bytes() for file in (folder / "logs").iterdir() if file.name not in FOREIGN_LOGS}


def events(log: bytes) -> Iterator[dict[str, object]]:
    """The events of a log. Raises ValueError when a line is none."""
    for line in log.decode("ascii").split("\n"):
        if line:
            event = json.loads(line)
            assert isinstance(event, dict)
            yield event


def stored_files(folder: Path) -> dict[str, bytes]:
    """What Temporal's server keeps, with what is not yet merged into it."""
    return {file.name: file.read_bytes() for file in folder.glob("temporal.db*")}


async def histories(client: Client) -> dict[str, bytes]:
    """Every workflow's history, payloads and failures as they are, and what a list of workflows shows of it."""
    found = {}
    async for workflow in client.list_workflows():
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        history = await handle.fetch_history()
        shown = [event.SerializeToString() for event in history.events]
        found[workflow.id] = b"\n".join([*shown, workflow.raw_info.SerializeToString()])
    return found


def columns(shop: Shop) -> Iterable[tuple[str, bytes]]:
    """Every column that could hold a word, as `schema.table.column`, with all that it holds."""
    for schema, table, column in shop.rows(_COLUMNS):
        cells = shop.rows(f'SELECT "{column}" FROM "{schema}"."{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608
        yield f"{schema}.{table}.{column}", b"\n".join(_bytes(cell) for (cell,) in cells)


def _bytes(cell: object) -> bytes:
    return bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode(errors="surrogatepass")
