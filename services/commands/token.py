"""`token`: prints an access token without a session."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from services.clock import Clock
from services.commands.terminal import errors_as_messages, read_settings
from services.identity.access_tokens import MAX_INTERNAL_LIFETIME, AccessTokens
from services.identity.signing_keys import KEY_FILE, SigningKeys, signing_keys
from services.identity.views import CallerKind, Scope


class TokenRole(StrEnum):
    """The roles of a token without a session."""

    OPERATOR = "operator"
    SERVICE = "service"


def token(
    role: Annotated[TokenRole, typer.Option(help="The role of the caller.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"Repeatable or comma-separated; a service without any gets all of {', '.join(Scope)}."),
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=60, max=MAX_INTERNAL_LIFETIME, help="How long the token is valid.")
    ] = MAX_INTERNAL_LIFETIME,
) -> None:
    """Print a bearer token without a session, for a service or a script of an operator."""
    with errors_as_messages():
        keys = _keys()
        scopes = [Scope(name) for names in scope or [] for name in names.replace(",", " ").split()]
    if role is TokenRole.SERVICE and not scopes:
        scopes = [*Scope]
    print(AccessTokens(keys, Clock()).mint(CallerKind(role), scopes, seconds))


def _keys() -> SigningKeys:
    settings = read_settings()
    if not settings.signing_key and not (settings.data_dir / KEY_FILE).exists():
        raise ValueError(f"No signing key: set SIGNING_KEY, or start the system once with DATA_DIR={settings.data_dir}")
    return signing_keys(settings.signing_key, settings.data_dir, development=True)
