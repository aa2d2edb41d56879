"""Old rows of the identity service: what is deleted, and what must outlive the deletion."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.db import Database
from services.errors import InvalidCredentials, InvalidToken
from services.identity.account_messages import AccountMessages
from services.identity.login_throttle import LAST_FAILURE, ThrottleSubjects
from services.identity.password_resets import PasswordResets
from services.identity.retention import IdentityRetention
from services.identity.retention_repository import CODE_DAYS, FAILURES_DAYS, SESSION_DAYS
from services.identity.service import IdentityService
from services.identity.sessions_repository import IDLE_DAYS
from services.identity.sessions_repository import SESSION_DAYS as LONGEST
from services.identity.sign_in import SignIn
from services.identity.status import IdentifierKind
from services.identity.verification_codes import VerificationCodes
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import KEY, PASSWORD, by_email

ANNA = "anna@example.com"
MANY = 100_000


@pytest.fixture
def retention(database: Database, clock: FakeClock) -> IdentityRetention:
    return IdentityRetention(database.with_clock(clock))


@pytest.fixture(autouse=True)
def anna(identity: IdentityService) -> None:
    identity.register(by_email())


@pytest.fixture
def delete_all(retention: IdentityRetention) -> Callable[[], None]:
    """Deletes everything that is old."""

    def delete() -> None:
        retention.delete_codes(MANY)
        retention.delete_reset_tokens(MANY)
        retention.delete_refresh_tokens(MANY)
        retention.delete_sessions(MANY)
        retention.delete_login_failures(MANY)

    return delete


def count(database: Database, table: str) -> int:
    return int(database.fetch_value(f"SELECT count(*) FROM identity.{table}"))  # noqa: S608 - a constant


def test_a_code_is_deleted_three_days_after_its_expiry(
    retention: IdentityRetention, codes: VerificationCodes, clock: FakeClock, sign_in: SignIn, database: Database
) -> None:
    codes.send(ANNA, None)
    codes.send("nobody@example.com", None)
    sign_in.login(ANNA, None, PASSWORD)
    clock.move(days=CODE_DAYS, minutes=10)
    assert retention.delete_codes(MANY) == 0
    clock.move(seconds=1)
    assert [retention.delete_codes(1) for _ in range(3)] == [1, 1, 0]
    assert database.fetch_column("SELECT kind FROM identity.tokens") == ["refresh"]


def test_a_reset_token_is_deleted_three_days_after_its_expiry(
    retention: IdentityRetention, resets: PasswordResets, clock: FakeClock, database: Database
) -> None:
    for _ in range(2):
        resets.request(ANNA, None)
        clock.move(minutes=1)
    clock.move(days=CODE_DAYS, minutes=28)
    assert retention.delete_reset_tokens(MANY) == 0
    clock.move(seconds=1)
    assert retention.delete_reset_tokens(MANY) == 1
    clock.move(minutes=1)
    assert retention.delete_reset_tokens(MANY) == 1
    assert count(database, "password_reset_tokens") == 0


def test_a_session_and_its_refresh_tokens_are_deleted_thirty_days_after_its_last_day(
    retention: IdentityRetention, sign_in: SignIn, clock: FakeClock, database: Database
) -> None:
    tokens = sign_in.login(ANNA, None, PASSWORD)
    sign_in.logout(sign_in.refresh(tokens.refresh_token).refresh_token)
    clock.move(days=IDLE_DAYS + SESSION_DAYS)
    assert retention.delete_refresh_tokens(MANY) == 0
    clock.move(seconds=1)
    assert [retention.delete_refresh_tokens(1) for _ in range(3)] == [1, 1, 0]
    clock.move(days=LONGEST - IDLE_DAYS, seconds=-1)
    assert retention.delete_sessions(MANY) == 0
    clock.move(seconds=1)
    assert (retention.delete_sessions(MANY), count(database, "sessions")) == (1, 0)


def test_a_session_is_not_deleted_before_its_refresh_tokens(
    retention: IdentityRetention, sign_in: SignIn, clock: FakeClock
) -> None:
    sign_in.login(ANNA, None, PASSWORD)
    clock.move(days=LONGEST + SESSION_DAYS, seconds=1)
    assert retention.delete_sessions(MANY) == 0
    assert (retention.delete_refresh_tokens(MANY), retention.delete_sessions(MANY)) == (1, 1)


def test_T20_a_used_refresh_token_is_detected_on_the_last_day_of_its_session(
    delete_all: Callable[[], None], sign_in: SignIn, clock: FakeClock, database: Database
) -> None:
    first = token = sign_in.login(ANNA, None, PASSWORD).refresh_token
    for _ in range(2):
        clock.move(days=IDLE_DAYS, seconds=-1)
        token = sign_in.refresh(token).refresh_token
    clock.move(days=LONGEST - 2 * IDLE_DAYS)
    delete_all()
    with pytest.raises(InvalidToken):
        sign_in.refresh(first)
    with pytest.raises(InvalidToken):
        sign_in.refresh(token)
    assert database.fetch_column("SELECT end_reason FROM identity.sessions") == ["token_reused"]


def test_a_sign_in_after_all_sessions_are_deleted_is_notified(
    delete_all: Callable[[], None],
    sign_in: SignIn,
    clock: FakeClock,
    database: Database,
    outbox: AccountMessages,
) -> None:
    sign_in.login(ANNA, None, PASSWORD, "Firefox")
    clock.move(days=LONGEST + SESSION_DAYS + 1)
    delete_all()
    assert (count(database, "sessions"), count(database, "messages")) == (0, 0)
    database.execute("UPDATE identity.users SET email_verified = true")
    sign_in.login(ANNA, None, PASSWORD, "curl")
    assert [message.template for message in outbox.pending(10)] == ["new_sign_in"]


def test_T13_wrong_passwords_are_forgotten_ninety_days_after_the_last_one(
    retention: IdentityRetention, sign_in: SignIn, clock: FakeClock, database: Database
) -> None:
    for _ in range(2):
        with pytest.raises(InvalidCredentials):
            sign_in.login(ANNA, None, "wrong-Password-1")
        clock.move(days=FAILURES_DAYS)
    assert retention.delete_login_failures(MANY) == 0
    clock.move(seconds=1)
    assert (retention.delete_login_failures(MANY), count(database, "login_failures")) == (1, 0)


def test_T13_a_hundred_locked_identifiers_stay_locked(
    retention: IdentityRetention, sign_in: SignIn, clock: FakeClock, database: Database
) -> None:
    subjects = ThrottleSubjects(KEY)
    names = [ANNA, *[f"person-{number}@example.com" for number in range(99)]]
    database.with_clock(clock).execute(
        "INSERT INTO identity.login_failures (subject, failures, last_at)"
        " SELECT s, %(failures)s, %(now)s FROM unnest(%(subjects)s) AS s",
        {"subjects": [subjects.of(IdentifierKind.EMAIL, name) for name in names], "failures": LAST_FAILURE},
    )
    clock.move(days=10 * FAILURES_DAYS)
    assert retention.delete_login_failures(MANY) == 0
    assert count(database, "login_failures") == 100
    with pytest.raises(InvalidCredentials):
        sign_in.login(ANNA, None, PASSWORD)
