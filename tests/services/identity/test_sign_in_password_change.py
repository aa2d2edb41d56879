"""Password change: requires the current password and ends the other sessions."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.db import Database
from services.errors import Invalid, InvalidCredentials, MarketError, PasswordTooWeak, RateLimited, Unauthenticated
from services.identity.login_throttle import FREE_FAILURES
from services.identity.passwords import Argon2Profile, PasswordHasher
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.views import Caller, NewPassword, Tokens
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import PASSWORD, MakeSignIn, by_email

NEW = "quite another set of words"
CHANGE = NewPassword(PASSWORD, NEW)
WRONG = NewPassword("wrong-Password-1", NEW)


@pytest.fixture
def anna(identity: IdentityService) -> UUID:
    return identity.register(by_email()).id


@pytest.fixture
def pair(sign_in: SignIn, anna: UUID) -> Tokens:
    return log_in(sign_in)


def log_in(sign_in: SignIn, password: str = PASSWORD) -> Tokens:
    return sign_in.login("anna@example.com", None, password)


def change(sign_in: SignIn, pair: Tokens, wanted: NewPassword) -> None:
    caller: Caller = sign_in.authenticate(pair.access_token)
    assert caller.user_id is not None
    assert caller.session_id is not None
    sign_in.change_password(caller.user_id, caller.session_id, wanted)


def test_T34_every_other_session_ends(sign_in: SignIn, pair: Tokens, database: Database) -> None:
    other = log_in(sign_in)
    change(sign_in, pair, CHANGE)
    assert sign_in.authenticate(pair.access_token).role == "buyer"
    with pytest.raises(MarketError):
        sign_in.authenticate(other.access_token)
    with pytest.raises(InvalidCredentials):
        log_in(sign_in)
    assert log_in(sign_in, NEW).expires_in == 600
    with database.transaction() as tx:
        reasons = tx.fetch_column("SELECT end_reason FROM identity.sessions ORDER BY id")
    assert reasons == [None, "password_changed", None]


def test_T34_earlier_reset_tokens_become_invalid(sign_in: SignIn, pair: Tokens, anna: UUID, database: Database) -> None:
    with database.transaction() as tx:
        tx.execute(
            (
                "INSERT INTO identity.password_reset_tokens (id, user_id, hash, expires_at)"
                " VALUES (gen_random_uuid(), %(user_id)s, 'x', now() + interval '30 minutes')"
            ),
            {"user_id": anna},
        )
    change(sign_in, pair, CHANGE)
    with database.transaction() as tx:
        live = tx.fetch_value("SELECT count(*) FROM identity.password_reset_tokens WHERE spent_at IS NULL")
        assert live == 0


def test_T33_a_wrong_current_password_counts_as_a_failed_login(sign_in: SignIn, pair: Tokens, clock: FakeClock) -> None:
    for _ in range(FREE_FAILURES - 1):
        with pytest.raises(InvalidCredentials) as refused:
            change(sign_in, pair, WRONG)
        assert refused.value.detail == "This is not the present password."
    with pytest.raises(InvalidCredentials):
        log_in(sign_in, "wrong-Password-1")
    with pytest.raises(RateLimited):
        change(sign_in, pair, CHANGE)
    with pytest.raises(RateLimited):
        log_in(sign_in)
    clock.move(seconds=1)
    change(sign_in, pair, CHANGE)
    for _ in range(FREE_FAILURES - 1):
        with pytest.raises(InvalidCredentials):
            change(sign_in, pair, NewPassword(PASSWORD, "and one more set of words"))


@pytest.mark.parametrize(
    ("new", "code"),
    [
        (PASSWORD, "password-too-weak"),
        ("short", "password-too-weak"),
        ("password1234", "password-too-weak"),
        ("anna@example.com", "password-too-weak"),
        ("Annapetrova1", "password-too-weak"),
        ("x" * 129, "validation-error"),
        ("Sturdy-otter-77\0lamp", "validation-error"),
    ],
    ids=["equal", "short", "common", "address", "name", "long", "U+0000"],
)
def test_T35_a_weak_or_unchanged_password_is_refused(sign_in: SignIn, pair: Tokens, new: str, code: str) -> None:
    with pytest.raises(Invalid) as refused:
        change(sign_in, pair, NewPassword(PASSWORD, new))
    assert (refused.value.code, refused.value.pointer) == (code, "/newPassword")
    assert log_in(sign_in).expires_in == 600


def test_T35_the_same_password_in_another_unicode_form_is_refused(sign_in: SignIn, identity: IdentityService) -> None:
    identity.register(by_email(password="Ёжик-в-тумане-77"))
    pair = log_in(sign_in, "Ёжик-в-тумане-77")
    with pytest.raises(PasswordTooWeak):
        change(sign_in, pair, NewPassword("Ёжик-в-тумане-77", "Е\u0308жик-в-тумане-77"))


def test_T33_of_two_parallel_changes_one_succeeds(pair: Tokens, sign_in: SignIn, make_sign_in: MakeSignIn) -> None:
    class Interrupted(PasswordHasher):
        """Runs another change after the current password was checked."""

        def verify(self, hash_text: str | None, password: str) -> bool:
            matches = super().verify(hash_text, password)
            change(sign_in, pair, CHANGE)
            return matches

    with Interrupted(Argon2Profile(1, 8, 1)) as hasher, pytest.raises(InvalidCredentials):
        change(make_sign_in(hasher), pair, NewPassword(PASSWORD, "and one more set of words"))
    assert log_in(sign_in, NEW).expires_in == 600


def test_T263_a_session_that_ended_meanwhile_changes_no_password(sign_in: SignIn, pair: Tokens) -> None:
    caller = sign_in.authenticate(pair.access_token)
    assert caller.user_id is not None
    assert caller.session_id is not None
    sign_in.end_session(caller.user_id, caller.session_id)  # by its owner, after the request was authenticated
    with pytest.raises(Unauthenticated):
        sign_in.change_password(caller.user_id, caller.session_id, CHANGE)
    assert log_in(sign_in).expires_in == 600


def test_T147_a_new_password_is_judged_after_the_present_one(sign_in: SignIn, pair: Tokens) -> None:
    weak = "password1234"
    for _ in range(FREE_FAILURES + 1):
        with pytest.raises(PasswordTooWeak) as refused:
            change(sign_in, pair, NewPassword(PASSWORD, weak))
        assert refused.value.pointer == "/newPassword"
    for _ in range(FREE_FAILURES):
        with pytest.raises(InvalidCredentials):
            change(sign_in, pair, NewPassword("wrong-Password-1", weak))
    with pytest.raises(RateLimited):
        change(sign_in, pair, NewPassword("wrong-Password-1", weak))
