"""`user show`, `disable`, `enable`, `grant`, `revoke` and `reset-otp`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from services.commands.terminal import errors_as_messages, moment, say
from services.commands.user_lookup import UserName, open_accounts, open_operators
from services.identity.views import Account

app = typer.Typer(no_args_is_help=True, help="Look at accounts, disable and enable them, and make them operators.")


class GrantedRole(StrEnum):
    """The roles that an account can be given."""

    OPERATOR = "operator"


Granted = Annotated[GrantedRole, typer.Argument(metavar="operator", help="The role.", show_default=False)]


@app.command()
def show(user: UserName) -> None:
    """Show an account: its id, whether it may sign in, and its live sessions. Orders: `order list --buyer`.

    Examples: `user show anna@example.com`; `user show +79991234567`.
    """
    with errors_as_messages(), open_accounts() as identity:
        _print(identity.account(user))


@app.command()
def disable(user: UserName) -> None:
    """End all sessions of a user and refuse new ones. Open orders go on."""
    _set_active(user, active=False)
    print("The user is disabled; every session has ended.")


@app.command()
def enable(user: UserName) -> None:
    """Let a user sign in again."""
    _set_active(user, active=True)
    print("The user can sign in again.")


@app.command()
def grant(user: UserName, role: Granted) -> None:
    """Make an account an operator's. All its sessions end; the user adds a second factor after the next sign-in.

    Example: `user grant anna@example.com operator`.
    """
    with errors_as_messages(), open_operators() as (identity, operators):
        operators.grant(identity.account(user).id)
    print(f"The user is an {role} once a second factor is added: sign in, and add it on the page of the account.")


@app.command()
def revoke(user: UserName, role: Granted) -> None:
    """Make an account a buyer's again, end all its sessions, and remove its second factor."""
    with errors_as_messages(), open_operators() as (identity, operators):
        operators.revoke(identity.account(user).id)
    print(f"The user is no {role} any more; every session has ended.")


@app.command("reset-otp")
def reset_otp(user: UserName) -> None:
    """Remove the second factor of a lost phone, with its recovery codes, and end all sessions of the user.

    Make sure who asks: a person who knows the password can add another second factor.
    """
    with errors_as_messages(), open_operators() as (identity, operators):
        operators.reset_second_factor(identity.account(user).id)
    print("The second factor is removed and every session has ended: the user signs in and adds another.")


def _set_active(user: str, *, active: bool) -> None:
    with errors_as_messages(), open_accounts() as identity:
        identity.set_active(identity.account(user).id, active)


def _print(account: Account) -> None:
    say(f"User {account.id}: {account.role}, {'active' if account.is_active else 'DISABLED'}")
    for identifier, verified in ((account.email, account.email_verified), (account.phone, account.phone_verified)):
        if identifier:
            say(f"  {identifier}, {'verified' if verified else 'not verified'}")
    say(f"  registered {moment(account.created_at)} UTC, live sessions: {account.sessions}")
