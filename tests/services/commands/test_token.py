"""`token`: name, scopes, lifetime, the missing key, the list and the revocation."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.clock import Clock
from services.db import Database
from services.identity.access_tokens import AccessTokens
from services.identity.signing_keys import KEY_FILE, SigningKeys
from tests.services.commands.conftest import Commands

SERVICE = ("--role", "service", "--name", "billing", "--scope", "stocks:read")


@pytest.fixture
def keys(tmp_path: Path) -> SigningKeys:
    """The keys of the data directory of the commands."""
    keys = SigningKeys.generate()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / KEY_FILE).write_text(keys.pem())
    return keys


def test_T150_only_the_token_is_printed(command: Commands, keys: SigningKeys) -> None:
    tokens = AccessTokens(keys, Clock())
    one = tokens.read(command("token", *SERVICE, "--scope", "refunds:write").stdout.removesuffix("\n"))
    assert one.subject == "service:billing"
    assert one.scopes == {"stocks:read", "refunds:write"}
    named = ("--role", "service", "--name", "billing", "--seconds", 60)
    listed = tokens.read(command("token", *named, "--scope", "stocks:read,orders:read").stdout.removesuffix("\n"))
    assert listed.scopes == {"stocks:read", "orders:read"}
    operator = tokens.read(command("token", "--role", "operator", "--name", "anna").stdout.removesuffix("\n"))
    assert (operator.role, operator.scopes, operator.session) == ("operator", frozenset(), None)
    assert operator.subject == "operator:anna"


@pytest.mark.parametrize(
    "wrong",
    [
        ["--role", "buyer", "--name", "anna"],
        ["--role", "service", "--name", "billing"],
        ["--role", "service", "--name", "billing", "--scope", "all"],
        ["--role", "service", "--scope", "stocks:read"],
        ["--role", "operator"],
        ["--name", "anna"],
        ["--role", "operator", "--name", "anna", "--scope", "stocks:read"],
        ["--role", "operator", "--name", "anna and bob"],
        [*SERVICE, "--seconds", 3601],
        [],
    ],
)
def test_T150_a_token_needs_a_role_a_name_and_scopes(
    command: Commands, keys: SigningKeys, database: Database, wrong: list[object]
) -> None:
    done = command("token", *wrong)
    assert (done.exit_code, done.stdout) == (2, "")
    assert database.fetch_value("SELECT count(*) FROM identity.minted_tokens") == 0


def test_T151_tokens_are_listed_and_revoked(command: Commands, keys: SigningKeys) -> None:
    command("token", *SERVICE)
    command("token", "--role", "operator", "--name", "anna")
    anna, billing = command("token", "list").stdout.splitlines()
    assert ("  operator:anna  " in anna, anna.endswith("  all scopes")) == (True, True)
    assert ("  service:billing  " in billing, billing.endswith("  stocks:read")) == (True, True)
    assert command("token", "revoke", "billing").stdout == "Revoked: 1.\n"
    again = command("token", "revoke", "billing")
    assert (again.exit_code, again.stderr) == (1, "There is no live token with this name or id.\n")
    assert command("token", "revoke", anna.split()[0]).stdout == "Revoked: 1.\n"
    assert command("token", "list").stdout == ""


def test_without_a_signing_key_the_message_names_the_setting(tmp_path: Path) -> None:
    done = Commands(tmp_path, None)("token", "--role", "operator", "--name", "anna")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("No signing key: set SIGNING_KEY")
    assert list(tmp_path.iterdir()) == []
