"""`user show`, `disable`, `enable`, `grant`, `revoke` and `reset-otp`."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from services.clock import Clock
from services.db import Database
from services.identity.access_tokens import AccessTokens
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import ThrottleSubjects
from services.identity.password_check import PasswordCheck
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.refresh_tokens import RefreshTokens
from services.identity.second_factor import SecondFactor
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.signing_keys import SigningKeys
from services.identity.views import RegisterUser
from services.rate_limiter import RateLimiter
from services.secrets import Vault
from tests.services.commands.conftest import Commands

ROOT = Path(__file__).parents[3]
DAY = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"


def test_a_user_is_disabled_and_enabled(command: Commands, database: Database) -> None:
    tokens = AccessTokens(SigningKeys.generate(), Clock())
    with PasswordHasher(Argon2Profile(1, 8, 1)) as passwords:
        identity = IdentityService(database, passwords, "RU")
        subjects = ThrottleSubjects("a key")
        check = PasswordCheck(database, passwords, subjects)
        messages = AccountMessages(database, Vault("a key"), RateLimiter(database, "a key", Clock()))
        factor = SecondFactor(database, Vault("a key"), subjects, messages)
        sign_in = SignIn(database, check, tokens, RefreshTokens("a key"), messages, factor, "RU")
        password = "Sturdy-otter-77-lamp"
        anna = identity.register(RegisterUser("Anna", "Petrova", "anna@example.com", None, password)).id
        assert command("user", "disable", "Anna@Example.com").exit_code == 0
        with pytest.raises(Exception, match="do not match"):
            sign_in.login("anna@example.com", None, password)
        assert command("user", "enable", anna).stdout.endswith("The user can sign in again.\n")
        assert sign_in.login("anna@example.com", None, password).expires_in == 600
    nobody = command("user", "disable", uuid4())
    assert (nobody.exit_code, nobody.stderr) == (1, "There is no such user.\n")
    assert command("user", "disable", "anna").exit_code == 2


def test_a_user_is_found_by_address_number_and_id(command: Commands, database: Database) -> None:
    with PasswordHasher(Argon2Profile(1, 8, 1)) as passwords:
        identity = IdentityService(database, passwords, "RU")
        password = "Sturdy-otter-77-lamp"
        anna = identity.register(RegisterUser("Anna", "Petrova", "anna@example.com", None, password)).id
        boris = identity.register(RegisterUser("Boris", "Petrov", None, "+79035718264", password)).id
    for name in ("anna@example.com", "ANNA@example.com", anna):
        assert command("user", "show", name).stdout.startswith(
            f"User {anna}: buyer, active\n  anna@example.com, not ver"
        )
    for name in ("+79035718264", "8 903 571-82-64", boris):
        assert command("user", "show", name).stdout.startswith(f"User {boris}: buyer, active\n  +79035718264, not ver")
    command("user", "disable", "89035718264")
    shown = command("user", "show", boris)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert f"User {boris}: buyer, DISABLED\n" in shown.stdout
    assert "live sessions: 0\n" in shown.stdout
    assert "Boris" not in shown.stdout
    nobody = command("user", "show", "nobody@example.com")
    assert (nobody.exit_code, nobody.stderr) == (1, "There is no such user.\n")


def test_an_account_becomes_an_operators_and_a_buyers_again(command: Commands, database: Database) -> None:
    with PasswordHasher(Argon2Profile(1, 8, 1)) as passwords:
        identity = IdentityService(database, passwords, "RU")
        anna = identity.register(RegisterUser("Anna", "Petrova", "anna@example.com", None, "Sturdy-otter-77-lamp")).id

        refused = command("user", "grant", "anna@example.com", "operator")
        assert (refused.exit_code, refused.stderr) == (
            2,
            f"No key: set SECRETS_KEY, or start the system once with DATA_DIR={command.env['DATA_DIR']}\n",
        )
        # the key of the sandbox that runs on DATA_DIR
        folder = Path(command.env["DATA_DIR"])
        folder.mkdir(exist_ok=True)
        (folder / "secrets.json").write_text('{"secretsKey": "a key of tests alone"}')
        refused = command("user", "grant", anna, "operator")
        assert (refused.exit_code, "has not verified" in refused.stderr) == (1, True)
        database.execute("UPDATE identity.users SET email_verified = true")
        assert "The user is an operator once" in command("user", "grant", "anna@example.com", "operator").stdout
        assert command("user", "show", anna).stdout.startswith(f"User {anna}: operator, active\n")
        with database.transaction() as tx:
            templates = [row.template for row in tx.fetch_all("SELECT template FROM identity.messages")]
        assert templates == ["operator_granted"]
        assert "The second factor is removed" in command("user", "reset-otp", anna).stdout
        assert "The user is no operator any more" in command("user", "revoke", anna, "operator").stdout
        assert identity.account("anna@example.com").role == "buyer"
    assert command("user", "grant", anna, "buyer").exit_code == 2
    for name in ("grant", "revoke"):
        nobody = command("user", name, uuid4(), "operator")
        assert (nobody.exit_code, nobody.stderr) == (1, "There is no such user.\n")
