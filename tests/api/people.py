"""Callers with their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import pyotp

from services.bootstrap import Services
from services.clock import new_id
from services.identity.views import CallerKind, RegisterUser, Scope

PASSWORD = "four unrelated words together"


@dataclass(frozen=True)
class Person:
    """A caller with a token; services and minted operators have no id."""

    token: str
    id: UUID | None = None
    email: str = ""

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def a_buyer(services: Services) -> Person:
    """A new account, signed in."""
    email = f"{new_id().hex}@example.com"
    profile = services.identity.register(RegisterUser("Anna", "Ivanova", email, None, PASSWORD))
    return Person(services.sign_in.login(email, None, PASSWORD).access_token, profile.id, email)


def an_operator(services: Services) -> Person:
    """An operator's script."""
    return Person(services.minted_tokens.mint(CallerKind.OPERATOR, name="anna"))


def an_operators_account(services: Services) -> Person:
    """A person with the role operator, signed in with a recovery code of the second factor."""
    person = a_buyer(services)
    assert person.id is not None
    services.database.execute("UPDATE identity.users SET email_verified = true WHERE id = %(id)s", {"id": person.id})
    services.operators.grant(person.id)
    caller = services.sign_in.authenticate(services.sign_in.login(person.email, None, PASSWORD).access_token)
    secret = services.second_factors.start(caller, PASSWORD).secret
    codes = services.second_factors.confirm(caller, pyotp.TOTP(secret).now())
    signed_in = services.sign_in.login(person.email, None, PASSWORD, otp=codes[0])
    return Person(signed_in.access_token, person.id, person.email)


def a_service(services: Services, *scopes: Scope) -> Person:
    """A service with these scopes."""
    return Person(services.minted_tokens.mint(CallerKind.SERVICE, scopes, name="billing"))
