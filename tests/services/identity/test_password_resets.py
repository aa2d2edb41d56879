"""Password resets: a single-use token, valid for half an hour, that ends every session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.db import Database
from services.errors import (
    Invalid,
    InvalidCredentials,
    InvalidToken,
    MarketError,
    PasswordTooWeak,
    RateLimited,
    Unauthenticated,
)
from services.identity.account_messages import AccountMessages
from services.identity.password_resets import PasswordResets
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.views import NewPassword, Profile
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import PASSWORD, by_email, by_phone

ANNA, PHONE = "anna@example.com", "+79991234567"
NEW = "quite another set of words"


@pytest.fixture
def anna(identity: IdentityService) -> Profile:
    return identity.register(by_email(ANNA))


def sent(resets: PasswordResets, outbox: AccountMessages) -> str:
    """Send a token and return it."""
    resets.request(ANNA, None)
    return [each.variables["resetToken"] for each in outbox.pending(100) if "resetToken" in each.variables][-1]


def test_T40_a_reset_ends_every_session_and_replaces_the_password(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile, sign_in: SignIn, identity: IdentityService
) -> None:
    pair = sign_in.login(ANNA, None, PASSWORD)
    token = sent(resets, outbox)
    assert len(token) == 43
    resets.confirm(token, NEW)
    with pytest.raises(Unauthenticated):
        sign_in.authenticate(pair.access_token)
    with pytest.raises(InvalidToken):
        sign_in.refresh(pair.refresh_token)
    with pytest.raises(InvalidCredentials):
        sign_in.login(ANNA, None, PASSWORD)
    sign_in.login(ANNA, None, NEW)
    assert identity.profile(anna.id).email_verified
    assert [(each.to, each.template) for each in outbox.pending(10)] == [
        (ANNA, "password_reset"),
        (ANNA, "password_changed"),
    ]


def test_T07_a_reset_ends_the_sessions_of_a_squatter(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile, sign_in: SignIn
) -> None:
    squatter = sign_in.login(ANNA, None, PASSWORD).access_token
    resets.confirm(sent(resets, outbox), NEW)
    with pytest.raises(Unauthenticated):
        sign_in.authenticate(squatter)


def test_T14_a_reset_unlocks_the_account(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile, sign_in: SignIn
) -> None:
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            sign_in.login(ANNA, None, "wrong password 123")
    with pytest.raises(RateLimited):
        sign_in.login(ANNA, None, PASSWORD)
    resets.confirm(sent(resets, outbox), NEW)
    sign_in.login(ANNA, None, NEW)


def test_a_reset_by_phone_uses_the_language_of_the_account(
    resets: PasswordResets, outbox: AccountMessages, identity: IdentityService
) -> None:
    identity.register(by_phone(PHONE))
    resets.request(None, "8 999 123 45 67")
    (message,) = outbox.pending(10)
    assert (message.channel, message.to, message.language) == ("sms", PHONE, "en")


def test_T36_for_an_unknown_address_the_same_rows_are_written_and_nothing_is_sent(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile
) -> None:
    resets.request("nobody@example.com", None)
    resets.request(ANNA, None)
    assert [each.to for each in outbox.pending(10)] == [None, ANNA]


@pytest.mark.parametrize("address", [ANNA, "nobody@example.com"])
def test_T37_limits_are_the_same_for_known_and_unknown_addresses(
    resets: PasswordResets, anna: Profile, clock: FakeClock, address: str
) -> None:
    outcomes = []
    for _ in range(6):
        try:
            resets.request(address, None)
            outcomes.append("sent")
        except RateLimited as error:
            outcomes.append("wait" if error.retry_after > 0 else "never")
        clock.move(seconds=61)
    assert outcomes == ["sent", "sent", "sent", "wait", "wait", "wait"]


Case = Callable[[PasswordResets, AccountMessages, FakeClock, IdentityService, Profile], str]


def _guessed(
    resets: PasswordResets, outbox: AccountMessages, clock: FakeClock, identity: IdentityService, anna: Profile
) -> str:
    return "A" * 43


def _cut(
    resets: PasswordResets, outbox: AccountMessages, clock: FakeClock, identity: IdentityService, anna: Profile
) -> str:
    return sent(resets, outbox)[:-1]


def _reused(
    resets: PasswordResets, outbox: AccountMessages, clock: FakeClock, identity: IdentityService, anna: Profile
) -> str:
    token = sent(resets, outbox)
    resets.confirm(token, NEW)
    return token


def _expired(
    resets: PasswordResets, outbox: AccountMessages, clock: FakeClock, identity: IdentityService, anna: Profile
) -> str:
    token = sent(resets, outbox)
    clock.move(minutes=30, seconds=1)
    return token


def _superseded(
    resets: PasswordResets, outbox: AccountMessages, clock: FakeClock, identity: IdentityService, anna: Profile
) -> str:
    token = sent(resets, outbox)
    clock.move(seconds=61)
    sent(resets, outbox)
    return token


def _disabled(
    resets: PasswordResets, outbox: AccountMessages, clock: FakeClock, identity: IdentityService, anna: Profile
) -> str:
    token = sent(resets, outbox)
    identity.set_active(anna.id, False)
    return token


@pytest.mark.parametrize("case", [_guessed, _cut, _reused, _expired, _superseded, _disabled])
def test_T38_one_answer_for_every_invalid_token(
    resets: PasswordResets,
    outbox: AccountMessages,
    clock: FakeClock,
    identity: IdentityService,
    anna: Profile,
    case: Case,
) -> None:
    token = case(resets, outbox, clock, identity, anna)
    with pytest.raises(InvalidToken) as caught:
        resets.confirm(token, "yet another set of words")
    assert caught.value.detail == "This reset token is invalid or has expired. Request a new one."


def test_T38_only_the_hash_of_a_token_is_stored(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile, database: Database
) -> None:
    token = sent(resets, outbox)
    with database.transaction() as tx:
        rows = [
            *tx.fetch_column("SELECT t::text FROM identity.password_reset_tokens t"),
            *tx.fetch_column("SELECT m::text FROM identity.messages m"),
        ]
    assert not any(token in row for row in rows)


def test_T39_of_twenty_parallel_resets_with_one_token_one_succeeds(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile, sign_in: SignIn
) -> None:
    token = sent(resets, outbox)

    def confirm(number: int) -> str:
        try:
            resets.confirm(token, f"{NEW} number {number}")
        except MarketError as error:
            return error.code
        return f"set {number}"

    with ThreadPoolExecutor(20) as pool:
        outcomes = Counter(pool.map(confirm, range(20)))
    assert outcomes.pop("invalid-token", 0) == 19
    ((outcome, count),) = outcomes.items()
    assert count == 1
    sign_in.login(ANNA, None, f"{NEW} number {outcome.removeprefix('set ')}")


@pytest.mark.parametrize(
    ("password", "refusal"), [("short", PasswordTooWeak), ("anna@example.com", PasswordTooWeak), ("x" * 129, Invalid)]
)
def test_a_weak_password_leaves_the_token_valid(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile, password: str, refusal: type[Invalid]
) -> None:
    token = sent(resets, outbox)
    with pytest.raises(refusal) as caught:
        resets.confirm(token, password)
    assert caught.value.pointer == "/newPassword"
    resets.confirm(token, NEW)


def test_T40_a_password_change_invalidates_earlier_reset_tokens(
    resets: PasswordResets, outbox: AccountMessages, anna: Profile, sign_in: SignIn
) -> None:
    token = sent(resets, outbox)
    caller = sign_in.authenticate(sign_in.login(ANNA, None, PASSWORD).access_token)
    assert caller.session_id is not None
    sign_in.change_password(anna.id, caller.session_id, NewPassword(PASSWORD, NEW))
    with pytest.raises(InvalidToken):
        resets.confirm(token, "yet another set of words")
