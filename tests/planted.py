"""Migrations that a test adds after the newest one, as a later version would."""

from __future__ import annotations

import os
from pathlib import Path
from textwrap import dedent, indent

from alembic.config import Config
from alembic.script import ScriptDirectory

from services import migrate

VERSIONS = migrate.ROOT / "services" / "migrations" / "versions"


def planted(url: str, folder: Path, *migrations: str) -> Config:
    """The configuration of a version with more migrations, 9001 and so on.

    A migration is the body of its `upgrade`; lines before a line `---` are of its module.
    """
    before = ScriptDirectory.from_config(migrate.config("")).get_current_head()
    for number, source in enumerate(migrations, 9001):
        module, _, body = dedent(source).rpartition("---\n")
        head = f'import sqlalchemy as sa\nfrom alembic import op\n\nrevision = "{number}"\ndown_revision = "{before}"\n'
        upgrade = f"\n\ndef upgrade():\n{indent(body, '    ')}"
        (folder / f"{number}_planted.py").write_text(f'"""Planted."""\n\n{head}{module}{upgrade}')
        before = str(number)
    config = migrate.config(url)
    config.set_main_option("version_locations", os.pathsep.join((str(VERSIONS), str(folder))))
    config.set_main_option("path_separator", "os")
    return config
