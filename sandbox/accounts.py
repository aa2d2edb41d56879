"""`python -m sandbox.accounts`: an account of a buyer and one of an operator, ready to sign in, in development only."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from uuid import UUID

import pyotp

from sandbox.datadir import DataDir
from services.bootstrap import Services, open_services
from services.errors import AlreadyRegistered
from services.identity.status import Role
from services.identity.views import RegisterUser
from services.settings import Settings

ACCOUNTS_FILE = "accounts.json"
BUYER, OPERATOR = "buyer@sandbox.example", "operator@sandbox.example"
_VERIFY = "UPDATE identity.users SET email_verified = true WHERE id = %(id)s"


@dataclass(frozen=True)
class ReadyAccounts:
    """The passwords of both accounts; they are random, and stored in DATA_DIR (mode 0600)."""

    buyer_password: str
    operator_password: str

    @classmethod
    def of(cls, folder: DataDir) -> ReadyAccounts | None:
        """Those of a data directory; None without any. Raises CannotStart."""
        stored = folder.read(ACCOUNTS_FILE)
        return cls(stored["buyerPassword"], stored["operatorPassword"]) if stored else None

    def table(self) -> str:
        """For the terminal."""
        return f"  Buyer     {BUYER:<28}{self.buyer_password}\n  Operator  {OPERATOR:<28}{self.operator_password}"


def main() -> None:
    """Make the accounts in the database of the settings. Exits with 1 outside development."""
    settings = Settings()
    if not settings.development:
        sys.exit("sandbox.accounts: ready accounts are for development only")
    with open_services(settings) as services:
        prepare(services, DataDir(settings.data_dir))


def prepare(services: Services, folder: DataDir) -> None:
    """Make what is missing of both accounts, also after a start that was interrupted. Raises CannotStart."""
    stored = folder.read(ACCOUNTS_FILE)
    if not stored:
        stored = {"buyer": BUYER, "buyerPassword": _password(), "operator": OPERATOR, "operatorPassword": _password()}
        folder.write(ACCOUNTS_FILE, stored)
    _account(services, stored["buyer"], stored["buyerPassword"])
    operator_id = _account(services, stored["operator"], stored["operatorPassword"])
    if "operatorSecret" in stored and services.identity.account(stored["operator"]).role == Role.OPERATOR:
        return
    services.operators.reset_second_factor(operator_id)  # whose secret an interrupted start did not store
    services.operators.grant(operator_id)
    secret = _add_second_factor(services, stored["operator"], stored["operatorPassword"])
    folder.write(ACCOUNTS_FILE, {**stored, "operatorSecret": secret})


def _account(services: Services, email: str, password: str) -> UUID:
    name = "Anna" if email == BUYER else "Olga"
    try:
        user_id = services.identity.register(RegisterUser(name, "Sandbox", email, None, password, "en")).id
    except AlreadyRegistered:
        user_id = services.identity.account(email).id
    services.database.execute(_VERIFY, {"id": user_id})
    return user_id


def _add_second_factor(services: Services, email: str, password: str) -> str:
    tokens = services.sign_in.login(email, None, password, "make up")
    caller = services.sign_in.authenticate(tokens.access_token)
    secret = services.second_factors.start(caller, password).secret
    services.second_factors.confirm(caller, pyotp.TOTP(secret).now())
    services.sign_in.logout(tokens.refresh_token)
    return secret


def _password() -> str:
    return secrets.token_urlsafe(15)


if __name__ == "__main__":
    main()
