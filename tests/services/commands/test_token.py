"""`token`: scopes, lifetime, and the missing key."""

from __future__ import annotations

from pathlib import Path

from services.clock import Clock
from services.identity.access_tokens import AccessTokens
from services.identity.signing_keys import KEY_FILE, SigningKeys
from services.identity.views import Scope
from tests.services.commands.conftest import Commands

ROOT = Path(__file__).parents[3]
DAY = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"


def test_only_the_token_is_printed(tmp_path: Path) -> None:
    keys = SigningKeys.generate()
    (tmp_path / KEY_FILE).write_text(keys.pem())
    command, tokens = Commands(tmp_path, None), AccessTokens(keys, Clock())
    one = command("token", "--role", "service", "--scope", "stocks:read", "--scope", "refunds:write")
    assert tokens.read(one.stdout.removesuffix("\n")).scopes == {"stocks:read", "refunds:write"}
    listed = command("token", "--role", "service", "--scope", "stocks:read,orders:read")
    assert tokens.read(listed.stdout.removesuffix("\n")).scopes == {"stocks:read", "orders:read"}
    every = command("token", "--role", "service", "--seconds", 60)
    assert tokens.read(every.stdout.removesuffix("\n")).scopes == set(Scope)
    operator = tokens.read(command("token", "--role", "operator").stdout.removesuffix("\n"))
    assert (operator.role, operator.scopes, operator.session) == ("operator", frozenset(), None)
    for wrong in (
        ["--role", "buyer"],
        ["--role", "service", "--scope", "all"],
        ["--role", "service", "--seconds", 3601],
    ):
        assert command("token", *wrong).exit_code == 2


def test_without_a_signing_key_the_message_names_the_setting(tmp_path: Path) -> None:
    done = Commands(tmp_path, None)("token", "--role", "operator")
    assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("No signing key: set SIGNING_KEY")
    assert list(tmp_path.iterdir()) == []
