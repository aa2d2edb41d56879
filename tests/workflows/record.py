"""`make histories`: records what the tests of open workflows during a deployment stand on.

A story whose commands have changed, and one that is new, goes to `histories/<version>/`. A file that exists is kept,
because workflows of that release may be open. The commands go to `fingerprints/`, where a change of them can be read.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import sys
import tempfile
import tomllib
from pathlib import Path

import structlog

from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from sandbox.temporal import TemporalServer
from services import db, migrate
from services.orders.views import Policy
from services.settings import Settings
from tests.workflows.commands import commands_of
from tests.workflows.shop import Shop, open_shop
from tests.workflows.stories import STORIES, VARIABLE
from workflows.client import connect

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = Path(__file__).parent / "histories"
FINGERPRINTS = Path(__file__).parent / "fingerprints"
#: The prefix of a story's file, and whether its steps are local activities first.
LANES = {"": True, "regular_": False}


def version() -> str:
    """The version of the project."""
    stated: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    return stated


def newest(name: str) -> Path | None:
    """The history of a story that was recorded last; None when there is none."""
    recorded = HISTORIES.glob(f"*/{name}.json")
    return max(recorded, key=lambda path: [int(part) for part in path.parent.name.split(".")], default=None)


async def record(shop: Shop, prefix: str) -> None:
    """Live every story once, and keep what is new."""
    for story in STORIES:
        name = f"{prefix}{story.__name__}"
        history = await (await story(shop)).fetch_history()
        known = newest(name) is not None
        if story not in VARIABLE:
            known = _write_changed(FINGERPRINTS / f"{name}.txt", "\n".join(commands_of(history.events))) and known
        path = HISTORIES / version() / f"{name}.json"
        if not known and not path.exists():
            # Stack traces of failures name the folders that the program ran from.
            text = history.to_json().replace(f"{sys.prefix}/", ".venv/").replace(f"{ROOT}/", "")
            _write_changed(path, text)


def _write_changed(path: Path, text: str) -> bool:
    """Write a file and name it; returns whether it had this content before."""
    if path.exists() and path.read_text() == f"{text}\n":
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n")
    sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    return False


async def main() -> None:
    """Both ways of running steps; only the names of written files are printed."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    with tempfile.TemporaryDirectory() as data, TemporalServer(None, free_port(), None) as temporal:
        server = EmbeddedPostgres(Path(data) / "data", free_port(), secrets.token_hex(8), durable=False)
        with server as postgres:
            migrate.to_head(postgres.url())
            database = db.connect(postgres.url(), pool_size=32)
            client = await connect(Settings(app_env="development", temporal_address=temporal.address))
            for prefix, local in LANES.items():
                policy = Policy(max_unpaid=0, local_lane=local)
                async with open_shop(client, postgres.url(), database, Path(data), policy) as shop:
                    await record(shop, prefix)
            database.close()


if __name__ == "__main__":
    asyncio.run(main())
