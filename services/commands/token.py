"""`token`: prints an access token without a session; `token list` and `token revoke`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from services.clock import Clock
from services.commands.terminal import errors_as_messages, moment, open_database, read_settings, say
from services.errors import NotFound
from services.identity.access_tokens import MAX_INTERNAL_LIFETIME, AccessTokens
from services.identity.minted_tokens import MintedTokens
from services.identity.signing_keys import KEY_FILE, SigningKeys, signing_keys
from services.identity.views import CallerKind, Scope

app = typer.Typer(invoke_without_command=True)


class TokenRole(StrEnum):
    """The roles of a token without a session."""

    OPERATOR = "operator"
    SERVICE = "service"


@app.callback()
def token(
    context: typer.Context,
    role: Annotated[TokenRole | None, typer.Option(help="The role of the caller. Required.")] = None,
    name: Annotated[
        str | None,
        typer.Option(help="The person or the service that it is for; kept with what the caller does. Required."),
    ] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"Required for a service; repeatable or comma-separated: {', '.join(Scope)}."),
    ] = None,
    seconds: Annotated[
        int, typer.Option(min=60, max=MAX_INTERNAL_LIFETIME, help="How long the token is valid.")
    ] = MAX_INTERNAL_LIFETIME,
) -> None:
    """Print a bearer token without a session, for a service or a script of an operator; list and revoke such tokens.

    Examples: `token --role operator --name anna`; `token --role service --name billing --scope payments:read`.
    """
    if context.invoked_subcommand is not None:
        return
    with errors_as_messages():
        if role is None or name is None:
            raise ValueError("Give --role and --name: the caller, and the person or service that the token is for.")
        scopes = [Scope(each) for names in scope or [] for each in names.replace(",", " ").split()]
        with _open_tokens() as tokens:
            print(tokens.mint(CallerKind(role), scopes, seconds, name=name))


@app.command("list")
def list_tokens() -> None:
    """List the tokens that are neither revoked nor expired, the newest first; times are UTC."""
    with errors_as_messages(), _open_tokens() as tokens:
        for each in tokens.live():
            say(
                f"{each.id}  {each.role}:{each.name}  made {moment(each.created_at)}"
                f"  expires {moment(each.expires_at)}  {each.scopes or 'all scopes'}"
            )


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(metavar="NAME|ID", help="The name of the tokens, or the id of one.")],
) -> None:
    """Revoke all live tokens of a name, or one by its id. They are refused from the next request on."""
    with errors_as_messages(), _open_tokens() as tokens:
        revoked = tokens.revoke(name)
        if not revoked:
            raise NotFound("There is no live token with this name or id.")
        print(f"Revoked: {revoked}.")


@contextmanager
def _open_tokens() -> Iterator[MintedTokens]:
    keys = _keys()
    with open_database() as database:
        yield MintedTokens(database, AccessTokens(keys, Clock()))


def _keys() -> SigningKeys:
    settings = read_settings()
    if not settings.signing_key and not (settings.data_dir / KEY_FILE).exists():
        raise ValueError(f"No signing key: set SIGNING_KEY, or start the system once with DATA_DIR={settings.data_dir}")
    return signing_keys(settings.signing_key, settings.data_dir, development=True)
