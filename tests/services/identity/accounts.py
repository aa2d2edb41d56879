"""The services of identity together, for tests of what they do to one account."""

from __future__ import annotations

from dataclasses import dataclass

from services.identity.account_messages import AccountMessages
from services.identity.identifier_changes import IdentifierChanges
from services.identity.password_resets import PasswordResets
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.verification_codes import VerificationCodes
from services.identity.views import Caller, Tokens
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import PASSWORD


def either(identifier: str) -> tuple[str | None, str | None]:
    """E-mail address and phone number: the one that it is."""
    return (identifier, None) if "@" in identifier else (None, identifier)


@dataclass(frozen=True)
class Accounts:
    """The services of identity on one database and one clock."""

    identity: IdentityService
    sign_in: SignIn
    codes: VerificationCodes
    changes: IdentifierChanges
    resets: PasswordResets
    outbox: AccountMessages
    clock: FakeClock

    def log_in(self, identifier: str, password: str = PASSWORD) -> Tokens:
        return self.sign_in.login(*either(identifier), password, "Firefox")

    def session(self, identifier: str, password: str = PASSWORD) -> Caller:
        """A new session of the account."""
        return self.sign_in.authenticate(self.log_in(identifier, password).access_token)

    def newest(self, to: str, variable: str = "code") -> str:
        """The newest code, or the newest `resetToken`, that was sent to an identifier."""
        sent = [each.variables for each in self.outbox.pending(1000) if each.to == to]
        return [variables[variable] for variables in sent if variable in variables][-1]

    def notices(self) -> list[tuple[str | None, str]]:
        """Recipient and template of every message that holds no code and no token, except of sign-ins."""
        return [
            (each.to, each.template)
            for each in self.outbox.pending(1000)
            if not each.variables and each.to is not None and each.template != "new_sign_in"
        ]

    def code(self, identifier: str) -> str:
        """Ask for a code of a verification, without a token, and return it."""
        self.codes.send(*either(identifier))
        return self.newest(identifier)

    def confirm(self, identifier: str, code: str, caller: Caller | None = None) -> None:
        self.codes.confirm(*either(identifier), code, caller)

    def add(self, caller: Caller, identifier: str, password: str = PASSWORD) -> str:
        """Ask for a change to a new identifier, and return its code."""
        self.changes.request(caller, *either(identifier), password)
        return self.newest(identifier)

    def reset_token(self, identifier: str) -> str:
        self.resets.request(*either(identifier))
        return self.newest(identifier, "resetToken")
