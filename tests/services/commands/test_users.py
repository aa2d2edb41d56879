"""`user disable` and `user enable`."""

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
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.signing_keys import SigningKeys
from services.identity.views import RegisterUser
from services.secrets import Vault
from tests.services.commands.conftest import Commands

ROOT = Path(__file__).parents[3]
DAY = ROOT / "sandbox" / "data" / "2010-12-01.csv.gz"


def test_a_user_is_disabled_and_enabled(command: Commands, database: Database) -> None:
    tokens = AccessTokens(SigningKeys.generate(), Clock())
    with PasswordHasher(Argon2Profile(1, 8, 1)) as passwords:
        identity = IdentityService(database, passwords, "RU")
        check = PasswordCheck(database, passwords, ThrottleSubjects("a key"))
        sign_in = SignIn(
            database, check, tokens, RefreshTokens("a key"), AccountMessages(database, Vault("a key")), "RU"
        )
        password = "Sturdy-otter-77-lamp"
        anna = identity.register(RegisterUser("Anna", "Petrova", "anna@example.com", None, password)).id
        assert command("user", "disable", anna).exit_code == 0
        with pytest.raises(Exception, match="do not match"):
            sign_in.login("anna@example.com", None, password)
        assert command("user", "enable", anna).stdout.endswith("The user can sign in again.\n")
        assert sign_in.login("anna@example.com", None, password).expires_in == 600
    nobody = command("user", "disable", uuid4())
    assert (nobody.exit_code, nobody.stderr) == (1, "There is no such user.\n")
    assert command("user", "disable", "anna").exit_code == 2
