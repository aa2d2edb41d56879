"""How every process starts: read the settings, check them, set up logs, and wire the services."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Set
from contextlib import ExitStack, contextmanager
from typing import Any

import structlog
from pydantic import ValidationError

from services import logs, production_checks
from services.bootstrap import Services, open_services
from services.parts import ALL_PARTS, Part
from services.settings import Settings


def read(*, parts: Set[Part] = ALL_PARTS, **given: Any) -> Settings:
    """Read and check the settings of a process that serves `parts`; `given` overrides the environment.

    A setting that is not in the environment is read from a file (services/secret_files.py). Raises ValueError with one
    line for each setting that is missing or wrong: its name, never its value.
    """
    try:
        settings = Settings(**given)
    except ValidationError as error:
        raise ValueError("\n".join(_messages(error))) from None
    if not settings.development and (errors := production_checks.errors(settings, parts)):
        raise ValueError("\n".join(errors))
    return settings


def _messages(error: ValidationError) -> Iterator[str]:
    for wrong in error.errors(include_url=False, include_input=False):
        name = "_".join(str(part) for part in wrong["loc"]).upper()
        yield f"{name}: {wrong['msg']}" if name else wrong["msg"]


@contextmanager
def start(program: str, parts: Set[Part]) -> Iterator[Services]:
    """Set up logs, read the settings and open the services of a long-running process that serves `parts`.

    Exits with status 2 when a setting is missing or wrong: standard error then has a line for each, with the name of
    the setting and never its value.
    """
    logs.set_up()
    with ExitStack() as opened:
        try:
            services = opened.enter_context(open_services(read(parts=parts), parts=parts))
        except ValueError as error:
            for line in str(error).splitlines():
                print(f"{program}: {line}", file=sys.stderr)  # noqa: T201 - for the person who started it
            sys.exit(2)
        for warning in [] if services.settings.development else production_checks.warnings(services.settings, parts):
            structlog.get_logger(program).warning("settings.warning", warning=warning)
        yield services
