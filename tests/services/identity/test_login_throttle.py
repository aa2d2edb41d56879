"""Login throttle: wrong passwords are counted before the comparison, delayed, and finally blocked."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.db import Database
from services.errors import InvalidCredentials, MarketError, RateLimited, Unavailable
from services.identity.login_throttle import FREE_FAILURES, LAST_FAILURE, LONGEST_WAIT, ThrottleSubjects
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import KEY, PASSWORD, MakeSignIn, by_email, by_phone

WRONG = "wrong-Password-1"


class CountingHasher(PasswordHasher):
    """Counts the passwords that were compared."""

    def __init__(self) -> None:
        super().__init__(Argon2Profile(1, 8, 1), cores=1)
        self.compared = 0

    def verify(self, hash_text: str | None, password: str) -> bool:
        self.compared += 1
        return super().verify(hash_text, password)


class BusyHasher(PasswordHasher):
    """Its queue is always full."""

    def verify(self, hash_text: str | None, password: str) -> bool:
        raise Unavailable("Too many people are signing in at this moment.", retry_after=2)


def outcome(sign_in: SignIn, email: str = "anna@example.com", password: str = WRONG) -> str:
    try:
        sign_in.login(email, None, password)
    except MarketError as error:
        return error.code
    return "signed in"


def fail(sign_in: SignIn, clock: FakeClock, times: int, email: str = "anna@example.com") -> None:
    for _ in range(times):
        assert outcome(sign_in, email) == "invalid-credentials"
        clock.move(seconds=LONGEST_WAIT)


@pytest.mark.parametrize("email", ["anna@example.com", "nobody@example.com"])
def test_T13_the_wait_doubles_from_the_fifth_failure_on_for_known_and_unknown_identifiers(
    identity: IdentityService, sign_in: SignIn, clock: FakeClock, email: str
) -> None:
    identity.register(by_email())
    waits = []
    for _ in range(FREE_FAILURES - 1):
        assert outcome(sign_in, email) == "invalid-credentials"
    for _ in range(12):
        assert outcome(sign_in, email) == "invalid-credentials"
        with pytest.raises(RateLimited) as refused:
            sign_in.login(email, None, PASSWORD)
        waits.append(refused.value.retry_after)
        clock.move(seconds=refused.value.retry_after)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_T13_while_a_subject_waits_no_password_is_hashed(
    identity: IdentityService, make_sign_in: MakeSignIn, clock: FakeClock
) -> None:
    identity.register(by_email())
    with CountingHasher() as hasher:
        sign_in = make_sign_in(hasher)
        for _ in range(FREE_FAILURES):
            outcome(sign_in)
        assert (outcome(sign_in, password=PASSWORD), hasher.compared) == ("rate-limited", FREE_FAILURES)
        clock.move(seconds=1)
        assert (outcome(sign_in, password=PASSWORD), hasher.compared) == ("signed in", FREE_FAILURES + 1)


def test_T13_of_sixty_four_parallel_guesses_five_are_compared(
    identity: IdentityService, make_sign_in: MakeSignIn
) -> None:
    identity.register(by_email())
    with CountingHasher() as hasher, ThreadPoolExecutor(64) as pool:
        sign_in = make_sign_in(hasher)
        found = Counter(pool.map(lambda _: outcome(sign_in), range(64)))
    assert found == {"invalid-credentials": FREE_FAILURES, "rate-limited": 64 - FREE_FAILURES}
    assert hasher.compared == FREE_FAILURES


def test_T13_the_right_password_resets_the_count(
    identity: IdentityService, sign_in: SignIn, clock: FakeClock, database: Database
) -> None:
    identity.register(by_email())
    for _ in range(3):
        fail(sign_in, clock, FREE_FAILURES - 1)
        assert outcome(sign_in, password=PASSWORD) == "signed in"
    with database.transaction() as tx:
        assert tx.fetch_value("SELECT count(*) FROM identity.login_failures") == 0


def test_T13_after_a_hundred_failures_every_password_is_refused(
    identity: IdentityService, make_sign_in: MakeSignIn, clock: FakeClock, database: Database
) -> None:
    anna = identity.register(by_email()).id
    with CountingHasher() as hasher:
        sign_in = make_sign_in(hasher)
        existing = sign_in.login("anna@example.com", None, PASSWORD).access_token
        write_failures(database, clock, LAST_FAILURE - 1)
        assert outcome(sign_in, password=PASSWORD) == "signed in"
        write_failures(database, clock, LAST_FAILURE)
        compared = hasher.compared
        assert outcome(sign_in, password=PASSWORD) == "invalid-credentials"
        assert hasher.compared == compared + 1
        clock.move(days=400)
        assert outcome(sign_in, password=PASSWORD) == "invalid-credentials"
        clock.move(days=-400)
    # T14: an existing session stays valid.
    assert sign_in.authenticate(existing).user_id == anna


def test_T13_each_identifier_has_its_own_count(identity: IdentityService, sign_in: SignIn) -> None:
    identity.register(by_email())
    identity.register(by_phone())
    for _ in range(FREE_FAILURES):
        outcome(sign_in)
    assert outcome(sign_in, password=PASSWORD) == "rate-limited"
    assert sign_in.login(None, "+79991234567", PASSWORD).expires_in == 600


def test_T13_all_notations_of_an_address_share_one_count(identity: IdentityService, sign_in: SignIn) -> None:
    identity.register(by_email())
    for email in ("anna@example.com", "ANNA@example.com", "anna@EXAMPLE.com", "anna@example.com.", "ａnna@example.com"):
        assert outcome(sign_in, email) == "invalid-credentials"
    assert outcome(sign_in, "anna@example.com", PASSWORD) == "rate-limited"


def test_T16_a_password_that_was_not_compared_is_not_counted(
    identity: IdentityService, make_sign_in: MakeSignIn, sign_in: SignIn
) -> None:
    identity.register(by_email())
    with BusyHasher(Argon2Profile(1, 8, 1)) as hasher:
        for _ in range(FREE_FAILURES - 1):
            assert outcome(make_sign_in(hasher), password=PASSWORD) == "service-unavailable"
    for _ in range(FREE_FAILURES - 1):
        assert outcome(sign_in) == "invalid-credentials"
    assert outcome(sign_in, password=PASSWORD) == "signed in"


def test_T13_identifiers_are_stored_as_keyed_hashes(sign_in: SignIn, database: Database) -> None:
    with pytest.raises(InvalidCredentials):
        sign_in.login("nobody@example.com", None, WRONG)
    with database.transaction() as tx:
        row = tx.fetch_one("SELECT subject, failures FROM identity.login_failures")
    assert (len(row.subject), row.failures) == (32, 1)
    assert ThrottleSubjects(KEY).of_account("nobody@example.com", None) == [row.subject]
    assert ThrottleSubjects("another key").of_account("nobody@example.com", None) != [row.subject]


def write_failures(database: Database, clock: FakeClock, failures: int) -> None:
    database.with_clock(clock).execute(
        "INSERT INTO identity.login_failures (subject, failures, last_at)"
        " VALUES (%(subject)s, %(failures)s, %(now)s)"
        " ON CONFLICT (subject) DO UPDATE SET failures = %(failures)s, blocked_until = NULL",
        {"subject": ThrottleSubjects(KEY).of_account("anna@example.com", None)[0], "failures": failures},
    )
