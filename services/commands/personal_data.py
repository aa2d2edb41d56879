"""`user export` and `user erase`: a copy of all data of a person, and its deletion."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from services.clock import Clock
from services.commands.terminal import errors_as_messages, open_database, read_settings
from services.commands.user_lookup import UserName, open_identity, secrets_key
from services.identity.account_deletion import AccountDeletion
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import ThrottleSubjects
from services.identity.password_check import PasswordCheck
from services.identity.passwords import PasswordHasher
from services.identity.second_factor import SecondFactor
from services.identity.service import IdentityService
from services.notifications.budget import MessageBudget
from services.personal_data import PersonalData
from services.rate_limiter import RateLimiter
from services.secrets import Vault
from services.sms_budget import SmsBudget

app = typer.Typer()

Output = Annotated[
    Path | None, typer.Option("--output", help="A new file, for its owner only; by default it is printed.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command()
def export(user: UserName, output: Output = None) -> None:
    """Write everything that is held about a person as one JSON document.

    Example: `user export anna@example.com --output anna.json`.
    """
    with errors_as_messages(), _open() as (identity, data):
        parts = data.export(identity.account(user).id)
        if output is None:
            sys.stdout.writelines(parts)
            return
        try:
            handle = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise ValueError(f"{output} cannot be created: {error.strerror}.") from None
        with os.fdopen(handle, "w") as file:
            file.writelines(parts)
    print(f"Everything about the user is in {output}: send it to nobody else, and delete it afterwards.")


@app.command()
def erase(user: UserName, yes: Yes = False) -> None:
    """Delete all personal data of a person; orders and money stay, without name and address. It cannot be undone.

    Make sure who asks. An id works again after a restore from a backup that still has the person.
    """
    with errors_as_messages(), _open() as (identity, data):
        account = identity.account(user)
        if not yes:
            typer.confirm(f"Delete everything about the user {account.id}? It cannot be undone", abort=True)
        data.erase(account.id)
    print(f"The user {account.id} is erased. A last notice is sent to the verified addresses.")


@contextmanager
def _open() -> Iterator[tuple[IdentityService, PersonalData]]:
    key = secrets_key(read_settings())
    vault, subjects = Vault(key), ThrottleSubjects(key)
    with open_database() as database, open_identity(database) as identity, PasswordHasher() as hasher:
        limits = RateLimiter(database, key, Clock())
        messages = AccountMessages(database, vault, limits)
        factor = SecondFactor(database, vault, subjects, messages)
        check = PasswordCheck(database, hasher, subjects)
        deletion = AccountDeletion(database, check, factor, subjects, messages)
        yield identity, PersonalData.of(database, vault, deletion, MessageBudget(key, SmsBudget(limits, 0)))
