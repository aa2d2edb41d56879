"""Finds the account that an administrator names, by its e-mail address, phone number or id."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from services.bootstrap import sandbox_file
from services.clock import Clock
from services.commands.terminal import open_database, read_settings
from services.db import Database
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import ThrottleSubjects
from services.identity.operators import Operators
from services.identity.passwords import PasswordHasher
from services.identity.second_factor import SecondFactor
from services.identity.service import IdentityService
from services.rate_limiter import RateLimiter
from services.secrets import KEY_FILE, Vault
from services.settings import Settings

UserName = Annotated[
    str,
    typer.Argument(
        metavar="EMAIL|PHONE|ID", help="E-mail address, phone number or id of the user.", show_default=False
    ),
]


@contextmanager
def open_identity(database: Database) -> Iterator[IdentityService]:
    """The accounts in a database."""
    with PasswordHasher() as passwords:
        yield IdentityService(database, passwords, read_settings().phone_region)


@contextmanager
def open_accounts() -> Iterator[IdentityService]:
    """The accounts in the database of the settings. Raises ValueError when the schema is not current."""
    with open_database() as database, open_identity(database) as identity:
        yield identity


@contextmanager
def open_operators() -> Iterator[tuple[IdentityService, Operators]]:
    """The accounts, and the service that changes their role; notices are encrypted, so SECRETS_KEY is needed.

    Raises ValueError without that key, and when the schema is not current.
    """
    key = secrets_key(read_settings())
    vault, subjects = Vault(key), ThrottleSubjects(key)
    with open_database() as database, open_identity(database) as identity:
        messages = AccountMessages(database, vault, RateLimiter(database, key, Clock()))
        yield identity, Operators(database, SecondFactor(database, vault, subjects, messages), messages)


def secrets_key(settings: Settings) -> str:
    """SECRETS_KEY, that of the sandbox that runs on DATA_DIR, or the one that development made there."""
    if settings.secrets_key_given:
        return settings.secrets_key
    if (settings.data_dir / "secrets.json").exists():
        return sandbox_file(settings, "secrets.json")["secretsKey"]
    if (settings.data_dir / KEY_FILE).exists():
        return settings.secrets_key
    raise ValueError(f"No key: set SECRETS_KEY, or start the system once with DATA_DIR={settings.data_dir}")
