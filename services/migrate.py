"""Migrates the database to the newest schema; safe to run from several processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from services import db

ROOT = Path(__file__).resolve().parent.parent


def config(url: str) -> Config:
    """Alembic's configuration for the database at `url` (`postgresql://…`)."""
    alembic = Config(toml_file=ROOT / "pyproject.toml")
    alembic.attributes["url"] = url
    return alembic


def to_head(url: str) -> None:
    """Apply every missing migration."""
    command.upgrade(config(url), "head")


def is_at_head(database: db.Database) -> bool:
    """True when the database has every migration of this version."""
    if database.fetch_value("SELECT to_regclass('alembic_version')") is None:
        return False
    present = database.fetch_column("SELECT version_num FROM alembic_version")
    return set(present) == set(ScriptDirectory.from_config(config("")).get_heads())
