"""An identity service with cheap hashes, on a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.db import Sessions
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.service import IdentityService
from services.identity.signing import SigningKeys
from services.identity.tokens import AccessTokens
from tests.services.identity.doubles import SetClock


@pytest.fixture
def clock() -> SetClock:
    return SetClock.now()


@pytest.fixture
def tokens(clock: SetClock) -> AccessTokens:
    return AccessTokens(SigningKeys.generate(), clock)


@pytest.fixture(scope="session")
def passwords() -> Iterator[PasswordHasher]:
    with PasswordHasher(Argon2Profile(1, 8, 1)) as hasher:
        yield hasher


@pytest.fixture
def identity(sessions: Sessions, passwords: PasswordHasher, tokens: AccessTokens, clock: SetClock) -> IdentityService:
    return IdentityService(sessions, passwords, tokens, clock, "RU")
