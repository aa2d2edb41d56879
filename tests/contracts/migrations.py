"""Checks of the migrations, on a PostgreSQL of their own."""

from __future__ import annotations

import io
import secrets
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError

from sandbox.ports import free_port
from sandbox.postgres import EmbeddedPostgres
from services import migrate
from tests.contracts.checks import ContractBroken


def models_are_migrated() -> None:
    """The migrations make exactly the tables of the models, and there is one newest."""
    heads = ScriptDirectory.from_config(migrate.config("")).get_heads()
    if len(heads) != 1:
        raise ContractBroken(
            f"There are {len(heads)} newest migrations ({', '.join(heads)}): let one follow the other."
        )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # where root may not run PostgreSQL, another user has to reach its data
        with EmbeddedPostgres(Path(folder) / "data", free_port(), secrets.token_hex(8), durable=False) as server:
            migrate.to_head(server.url())
            _compare(server.url())


def _compare(url: str) -> None:
    config = migrate.config(url)
    config.stdout = io.StringIO()
    try:
        command.check(config)
    except CommandError as difference:
        raise ContractBroken(f"The models have moved on from the migrations, write one: {difference}") from None
