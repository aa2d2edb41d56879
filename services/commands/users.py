"""`user disable` and `user enable`."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

from services.commands.terminal import errors_as_messages, open_database
from services.identity.passwords import PasswordHasher
from services.identity.service import IdentityService

app = typer.Typer(no_args_is_help=True, help="Enable and disable accounts.")


@app.command()
def disable(user_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """End all sessions of a user and refuse new ones."""
    _set_active(user_id, active=False)
    print("The user is disabled; every session has ended.")


@app.command()
def enable(user_id: Annotated[UUID, typer.Argument(metavar="ID")]) -> None:
    """Let a user sign in again."""
    _set_active(user_id, active=True)
    print("The user can sign in again.")


def _set_active(user_id: UUID, *, active: bool) -> None:
    with errors_as_messages(), open_database() as database, PasswordHasher() as passwords:
        IdentityService(database, passwords, "RU").set_active(user_id, active)
