"""Callers with their tokens."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

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
    return Person(services.tokens.mint(CallerKind.OPERATOR))


def a_service(services: Services, *scopes: Scope) -> Person:
    """A service with these scopes."""
    return Person(services.tokens.mint(CallerKind.SERVICE, scopes))
