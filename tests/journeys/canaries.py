"""Secret values that a test sends to every endpoint, then searches for wherever they must not be (ABUSE T113)."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

from tests.journeys.shop import Shop

#: A verification code of six digits; parts of times and ids do not match.
_CODE = re.compile(rb"\d{6}")
#: Logs that are not searched: the stand-ins log the requests that they receive.
FOREIGN_LOGS = {"standins.log"}
_COLUMNS = """
    SELECT table_schema, table_name, column_name FROM information_schema.columns
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'public')
       AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea', 'ARRAY')
"""


def a_secret(kind: str) -> str:
    """A unique value that does not occur by chance."""
    return f"canary-{kind}-{secrets.token_hex(8)}"


@dataclass
class Canaries:
    """The values to search for, by kind."""

    values: dict[str, str] = field(default_factory=dict)

    def keep(self, kind: str, value: str) -> str:
        """Add a value to the search; returns it."""
        self.values[kind] = value
        return value

    def keep_all(self, kind: str, values: Mapping[str, str]) -> None:
        """Add values to the search, as `<kind> <name>`."""
        for name, value in values.items():
            self.keep(f"{kind} {name}", value)

    def found_in(self, content: bytes, *, codes: bool = True) -> list[str]:
        """The kinds whose values are in the content; `codes`: also search for codes of six digits."""
        return [kind for kind, value in self.values.items() if _pattern(value, codes=codes).search(content)]


def _pattern(value: str, *, codes: bool) -> re.Pattern[bytes]:
    plain = value.encode()
    if _CODE.fullmatch(plain):
        return re.compile(rb"(?<![\w.+-])" + plain + rb"(?![\w.-])" if codes else rb"(?!)")
    # a phone number is found without its plus, an address in upper and lower case
    return re.compile(re.escape(plain.removeprefix(b"+")), re.IGNORECASE)


def logs(folder: Path) -> dict[str, bytes]:
    """The logs of our processes and of the database and Temporal servers, by file name."""
    return {file.name: file.read_bytes() for file in (folder / "logs").iterdir() if file.name not in FOREIGN_LOGS}


def events(log: bytes) -> Iterator[dict[str, object]]:
    """The events of a log. Raises ValueError when a line is not JSON."""
    for line in log.decode("ascii").split("\n"):
        if line:
            event = json.loads(line)
            assert isinstance(event, dict)
            yield event


def stored_files(folder: Path) -> dict[str, bytes]:
    """The database files of the Temporal server, with its write-ahead log."""
    return {file.name: file.read_bytes() for file in folder.glob("temporal.db*")}


async def histories(client: Client) -> dict[str, bytes]:
    """The history of every workflow with payloads and failures, and its entry in the list of workflows."""
    found = {}
    async for workflow in client.list_workflows():
        handle = client.get_workflow_handle(workflow.id, run_id=workflow.run_id)
        history = await handle.fetch_history()
        shown = [event.SerializeToString() for event in history.events]
        found[workflow.id] = b"\n".join([*shown, workflow.raw_info.SerializeToString()])
    return found


def columns(shop: Shop) -> Iterable[tuple[str, bytes]]:
    """Every column that can hold text, as `schema.table.column`, with all its values."""
    for schema, table, column in shop.rows(_COLUMNS):
        cells = shop.rows(f'SELECT "{column}" FROM "{schema}"."{table}" WHERE "{column}" IS NOT NULL')  # noqa: S608 - names from the catalog
        yield f"{schema}.{table}.{column}", b"\n".join(_bytes(cell) for (cell,) in cells)


def _bytes(cell: object) -> bytes:
    return bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode(errors="surrogatepass")
