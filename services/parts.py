"""The parts of the system, which decide the settings and the secrets that a process needs."""

from __future__ import annotations

from enum import StrEnum


class Part(StrEnum):
    """A part that runs alone or with others in one process."""

    API = "api"
    WORKERS = "workers"
    #: `python -m services migrate`
    MIGRATE = "migrate"
    #: every other `python -m services`
    COMMANDS = "commands"
    #: the pages, `python -m web`
    WEB = "web"


#: Parts of the application, which may share a process (`python -m workers --with-api`).
ALL_PARTS = frozenset({Part.API, Part.WORKERS})
#: What connects to Temporal or to the payment provider.
CONNECTED = ALL_PARTS | {Part.COMMANDS}
#: What connects to the database.
WITH_DATABASE = CONNECTED | {Part.MIGRATE}
