"""Fixtures: an identity service with cheap hashes, on a clock that tests set."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.db import Database
from services.identity.access_tokens import AccessTokens
from services.identity.account_messages import AccountMessages
from services.identity.identifier_changes import IdentifierChanges
from services.identity.login_throttle import ThrottleSubjects
from services.identity.operators import Operators
from services.identity.ownership import Ownership
from services.identity.password_check import PasswordCheck
from services.identity.password_resets import PasswordResets
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.refresh_tokens import RefreshTokens
from services.identity.second_factor import SecondFactor
from services.identity.second_factor_enrolment import SecondFactorEnrolment
from services.identity.send_limits import SendLimits
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.signing_keys import SigningKeys
from services.identity.verification_codes import VerificationCodes
from services.rate_limiter import RateLimiter
from services.secrets import Vault
from tests.builders import an_sms_budget
from tests.fakes.clock import FakeClock
from tests.services.identity.accounts import Accounts
from tests.services.identity.doubles import KEY, MakeSignIn


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock.now()


@pytest.fixture
def tokens(clock: FakeClock) -> AccessTokens:
    return AccessTokens(SigningKeys.generate(), clock)


@pytest.fixture(scope="session")
def passwords() -> Iterator[PasswordHasher]:
    with PasswordHasher(Argon2Profile(1, 8, 1)) as hasher:
        yield hasher


@pytest.fixture
def identity(database: Database, passwords: PasswordHasher, clock: FakeClock) -> IdentityService:
    return IdentityService(database.with_clock(clock), passwords, "RU")


@pytest.fixture
def sign_in(make_sign_in: MakeSignIn, passwords: PasswordHasher) -> SignIn:
    return make_sign_in(passwords)


@pytest.fixture
def make_sign_in(
    database: Database, tokens: AccessTokens, outbox: AccountMessages, factor: SecondFactor, clock: FakeClock
) -> MakeSignIn:
    """Creates a sign-in service with another hasher."""

    def make(hasher: PasswordHasher) -> SignIn:
        check = PasswordCheck(database.with_clock(clock), hasher, ThrottleSubjects(KEY))
        return SignIn(database.with_clock(clock), check, tokens, RefreshTokens(KEY), outbox, factor, "RU")

    return make


@pytest.fixture
def outbox(database: Database, clock: FakeClock) -> AccountMessages:
    """The outbox of messages about accounts."""
    return AccountMessages(database.with_clock(clock), Vault(KEY), RateLimiter(database, KEY, clock))


@pytest.fixture
def factor(database: Database, outbox: AccountMessages, clock: FakeClock) -> SecondFactor:
    return SecondFactor(database.with_clock(clock), Vault(KEY), ThrottleSubjects(KEY), outbox)


@pytest.fixture
def enrolment(
    database: Database, check: PasswordCheck, factor: SecondFactor, outbox: AccountMessages, clock: FakeClock
) -> SecondFactorEnrolment:
    return SecondFactorEnrolment(database.with_clock(clock), check, factor, outbox)


@pytest.fixture
def operators(database: Database, factor: SecondFactor, outbox: AccountMessages, clock: FakeClock) -> Operators:
    return Operators(database.with_clock(clock), factor, outbox)


@pytest.fixture
def check(database: Database, passwords: PasswordHasher, clock: FakeClock) -> PasswordCheck:
    return PasswordCheck(database.with_clock(clock), passwords, ThrottleSubjects(KEY))


@pytest.fixture
def send_limits(database: Database, clock: FakeClock) -> SendLimits:
    return SendLimits(RateLimiter(database, KEY, clock), an_sms_budget(database, clock))


@pytest.fixture
def codes(database: Database, outbox: AccountMessages, send_limits: SendLimits, clock: FakeClock) -> VerificationCodes:
    return VerificationCodes(database.with_clock(clock), outbox, Ownership(outbox), send_limits, KEY, "RU")


@pytest.fixture
def changes(
    database: Database,
    codes: VerificationCodes,
    outbox: AccountMessages,
    send_limits: SendLimits,
    check: PasswordCheck,
    clock: FakeClock,
) -> IdentifierChanges:
    return IdentifierChanges(database.with_clock(clock), codes, Ownership(outbox), send_limits, check, "RU")


@pytest.fixture
def resets(
    database: Database, outbox: AccountMessages, send_limits: SendLimits, check: PasswordCheck, clock: FakeClock
) -> PasswordResets:
    return PasswordResets(database.with_clock(clock), outbox, Ownership(outbox), send_limits, check, "RU")


@pytest.fixture
def accounts(
    identity: IdentityService,
    sign_in: SignIn,
    codes: VerificationCodes,
    changes: IdentifierChanges,
    resets: PasswordResets,
    outbox: AccountMessages,
    clock: FakeClock,
) -> Accounts:
    """All services of identity together."""
    return Accounts(identity, sign_in, codes, changes, resets, outbox, clock)
