"""`settings`: every setting with its value and where that comes from, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated

import typer

from services import secret_files
from services.commands.terminal import errors_as_messages, say
from services.parts import Part
from services.setting_declarations import Setting, declared_in
from services.settings import GROUPS, all_settings
from services.startup import read


def settings(
    part: Annotated[
        Part | None, typer.Option(help="Only the settings of this part; in production also what it requires.")
    ] = None,
) -> None:
    """Print every setting, its value and where that comes from; never the value of a secret.

    Exits with 2, with a line for each on standard error, when one is missing or wrong. The pages (`web`) have settings
    of their own: `python -m web` says what is wrong with them.
    """
    with errors_as_messages():
        if part is Part.WEB:
            raise ValueError("The settings of the pages are in docs/settings.md; `python -m web` checks them.")
        files = _in_files()
        for group in GROUPS:
            known = [each for each in declared_in(group) if part is None or part in each.declared.parts]
            if known:
                say(f"\n{(group.__doc__ or '').removesuffix('.')}")
            for each in known:
                say(f"  {each.name:<24} {_source(each, files):<12} {_value(each, files)}".rstrip())
        read(parts={part} if part else frozenset())


def _in_files() -> Mapping[str, str]:
    known = [*all_settings()]
    names, secrets = [each.name for each in known], [each.name for each in known if each.declared.secret]
    return secret_files.read(names, secrets, os.environ)


def _source(each: Setting, files: Mapping[str, str]) -> str:
    if os.environ.get(each.name):
        return "environment"
    if each.name in files:
        return "file"
    return "required" if each.required else "default"


def _value(each: Setting, files: Mapping[str, str]) -> str:
    given = os.environ.get(each.name) or files.get(each.name)
    if each.declared.secret and given:
        return "set"
    return given or ("" if each.required else each.shown_default.replace("`", ""))
