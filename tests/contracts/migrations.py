"""Contract of the migrations; runs its own PostgreSQL."""

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


def migrations_match_models() -> None:
    """The migrations create exactly the tables of the models, and there is one head."""
    heads = ScriptDirectory.from_config(migrate.config("")).get_heads()
    if len(heads) != 1:
        raise ContractBroken(
            f"There are {len(heads)} migration heads ({', '.join(heads)}): make one the parent of the other."
        )
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # when started by root, PostgreSQL runs as another user, who needs access
        with EmbeddedPostgres(Path(folder) / "data", free_port(), secrets.token_hex(8), durable=False) as server:
            migrate.to_head(server.url())
            _compare(server.url())


def _compare(url: str) -> None:
    config = migrate.config(url)
    config.stdout = io.StringIO()
    try:
        command.check(config)
    except CommandError as difference:
        raise ContractBroken(f"The models differ from the migrations, add a migration: {difference}") from None
