"""Sessions: refresh, reuse detection, expiry, logout, the list of sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID, uuid4

import pytest

from services.db import Database
from services.errors import InvalidToken, NotFound, RateLimited, Unauthenticated
from services.identity.account_messages import AccountMessages
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.views import NewPassword, Tokens
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import CLIENTS, PASSWORD, by_email

NEW = "quite another set of words"


@pytest.fixture
def anna(identity: IdentityService) -> UUID:
    return identity.register(by_email()).id


@pytest.fixture
def tokens_of_anna(anna: UUID, sign_in: SignIn) -> Tokens:
    return log_in(sign_in)


def log_in(sign_in: SignIn, client: str | None = None, email: str = "anna@example.com") -> Tokens:
    return sign_in.login(email, None, PASSWORD, client)


def is_known(sign_in: SignIn, tokens: Tokens) -> bool:
    try:
        sign_in.authenticate(tokens.access_token)
    except Unauthenticated:
        return False
    return True


def refused(sign_in: SignIn, token: str, key: str | None = None) -> bool:
    with pytest.raises(InvalidToken) as error:
        sign_in.refresh(token, key)
    return error.value.detail == "This refresh token is invalid or has expired. Sign in."


def end_reasons(database: Database) -> Counter[str | None]:
    with database.transaction() as tx:
        return Counter(tx.fetch_column("SELECT end_reason FROM identity.sessions"))


def test_a_refresh_returns_a_new_pair_of_the_same_session(sign_in: SignIn, tokens_of_anna: Tokens) -> None:
    renewed = sign_in.refresh(tokens_of_anna.refresh_token)
    before, after = (sign_in.authenticate(each.access_token) for each in (tokens_of_anna, renewed))
    assert before == after
    assert len({tokens_of_anna.refresh_token, renewed.refresh_token}) == 2
    assert (len(renewed.refresh_token), renewed.expires_in) == (43, 600)
    assert sign_in.refresh(renewed.refresh_token).expires_in == 600


def test_T20_reusing_a_rotated_token_ends_the_session(
    sign_in: SignIn, tokens_of_anna: Tokens, database: Database, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    other = log_in(sign_in)
    renewed = sign_in.refresh(tokens_of_anna.refresh_token)
    clock.move(seconds=10)
    assert refused(sign_in, tokens_of_anna.refresh_token)
    assert refused(sign_in, renewed.refresh_token)
    assert not is_known(sign_in, renewed)
    assert is_known(sign_in, other)
    assert end_reasons(database) == {"token_reused": 1, None: 1}
    printed = capsys.readouterr().out
    assert "identity.refresh_token_reused" in printed
    assert tokens_of_anna.refresh_token not in printed


@pytest.mark.parametrize("keys", [[None] * 50, ["key-1"] * 50, [None, *(f"key-{n}" for n in range(49))]])
def test_T21_fifty_parallel_refreshes_return_one_pair(
    sign_in: SignIn, tokens_of_anna: Tokens, database: Database, keys: list[str | None]
) -> None:
    with ThreadPoolExecutor(50) as pool:
        pairs = set(pool.map(lambda key: sign_in.refresh(tokens_of_anna.refresh_token, key), keys))
    assert len(pairs) == 1
    assert is_known(sign_in, pairs.pop())
    with database.transaction() as tx:
        assert tx.fetch_value("SELECT count(*) FROM identity.tokens") == 2


def test_T126_a_rotated_token_returns_the_same_pair_for_ten_seconds(
    sign_in: SignIn, tokens_of_anna: Tokens, clock: FakeClock, database: Database
) -> None:
    first = sign_in.refresh(tokens_of_anna.refresh_token)
    second = sign_in.refresh(first.refresh_token)
    clock.move(seconds=9.9)
    assert [sign_in.refresh(each.refresh_token) for each in (tokens_of_anna, first)] == [first, second]
    assert end_reasons(database) == {None: 1}
    clock.move(seconds=0.1)
    assert refused(sign_in, tokens_of_anna.refresh_token)
    assert refused(sign_in, second.refresh_token)
    assert end_reasons(database) == {"token_reused": 1}


def test_T126_no_refresh_token_is_stored_in_clear_text(
    sign_in: SignIn, tokens_of_anna: Tokens, database: Database
) -> None:
    issued = [tokens_of_anna.refresh_token, sign_in.refresh(tokens_of_anna.refresh_token, "key-1").refresh_token]
    with database.transaction() as tx:
        stored = " ".join(tx.fetch_column("SELECT t::text FROM identity.tokens t"))
    for text in [*issued, "key-1"]:
        assert text not in stored
        assert text.encode().hex() not in stored


def test_T126_the_account_is_notified_of_a_reused_token(
    sign_in: SignIn, tokens_of_anna: Tokens, database: Database, clock: FakeClock, outbox: AccountMessages
) -> None:
    with database.transaction() as tx:
        tx.execute("UPDATE identity.users SET email_verified = true, phone = '+79991234567'")
    sign_in.refresh(tokens_of_anna.refresh_token)
    clock.move(seconds=10)
    for _ in range(2):
        assert refused(sign_in, tokens_of_anna.refresh_token)
    assert [(each.to, each.template) for each in outbox.pending(10)] == [("anna@example.com", "session_ended")]


def test_T22_a_refresh_can_be_repeated_with_its_key(
    sign_in: SignIn, tokens_of_anna: Tokens, clock: FakeClock, database: Database
) -> None:
    first = sign_in.refresh(tokens_of_anna.refresh_token, "key-1")
    clock.move(seconds=59)
    assert sign_in.refresh(tokens_of_anna.refresh_token, "key-1") == first
    assert is_known(sign_in, first)
    assert end_reasons(database) == {None: 1}
    assert sign_in.refresh(first.refresh_token).expires_in == 600


@pytest.mark.parametrize("again", ["another key", "no key", "later", "successor used"])
def test_T22_any_other_repetition_is_a_reuse(
    sign_in: SignIn, tokens_of_anna: Tokens, clock: FakeClock, database: Database, again: str
) -> None:
    first = sign_in.refresh(tokens_of_anna.refresh_token, "key-1")
    clock.move(seconds=60 if again == "later" else 11)
    if again == "successor used":
        sign_in.refresh(first.refresh_token)
    key = {"another key": "key-2", "no key": None}.get(again, "key-1")
    assert refused(sign_in, tokens_of_anna.refresh_token, key)
    assert end_reasons(database) == {"token_reused": 1}


@pytest.mark.parametrize(
    "token", ["", "abc", "' OR 1=1 --", "x" * 8192, "\ud800", "é" * 43], ids=lambda value: ascii(value)[:16]
)
def test_T23_an_unknown_token_is_refused(sign_in: SignIn, tokens_of_anna: Tokens, token: str) -> None:
    assert refused(sign_in, token)
    assert is_known(sign_in, tokens_of_anna)


def test_T23_an_access_token_or_a_changed_token_is_refused(sign_in: SignIn, tokens_of_anna: Tokens) -> None:
    assert refused(sign_in, tokens_of_anna.access_token)
    assert refused(sign_in, tokens_of_anna.refresh_token[:-1])
    assert refused(sign_in, tokens_of_anna.refresh_token + " ")
    assert sign_in.refresh(tokens_of_anna.refresh_token).expires_in == 600


def test_T23_a_refresh_token_expires_after_fourteen_days_without_use(
    sign_in: SignIn, tokens_of_anna: Tokens, clock: FakeClock
) -> None:
    clock.move(days=14, seconds=-1)
    renewed = sign_in.refresh(tokens_of_anna.refresh_token)
    clock.move(days=14)
    assert refused(sign_in, renewed.refresh_token)


def test_T23_a_session_expires_thirty_days_after_sign_in(
    sign_in: SignIn, tokens_of_anna: Tokens, clock: FakeClock
) -> None:
    token = tokens_of_anna.refresh_token
    for _ in range(3):
        clock.move(days=9)
        token = sign_in.refresh(token).refresh_token
    clock.move(days=3, seconds=-1)
    token = sign_in.refresh(token).refresh_token
    clock.move(seconds=1)
    assert refused(sign_in, token)


def test_T24_an_ended_session_cannot_be_refreshed(
    identity: IdentityService, sign_in: SignIn, anna: UUID, database: Database
) -> None:
    kept = log_in(sign_in)
    endings: dict[str, Callable[[Tokens], object]] = {
        "logout": lambda tokens: sign_in.logout(tokens.refresh_token),
        "ended_by_user": lambda tokens: sign_in.end_session(anna, session_of(sign_in, tokens)),
        "password_changed": lambda _: sign_in.change_password(
            anna, session_of(sign_in, kept), NewPassword(PASSWORD, NEW)
        ),
        "disabled": lambda _: identity.set_active(anna, False),
    }
    logged_in = {reason: kept if reason == "disabled" else log_in(sign_in) for reason in endings}
    for reason, end in endings.items():
        end(logged_in[reason])
        assert refused(sign_in, logged_in[reason].refresh_token)
        assert not is_known(sign_in, logged_in[reason])
    assert end_reasons(database) == {"logout": 1, "ended_by_user": 1, "password_changed": 1, "disabled": 1}


def session_of(sign_in: SignIn, tokens: Tokens) -> UUID:
    session_id = sign_in.authenticate(tokens.access_token).session_id
    assert session_id is not None
    return session_id


def test_T25_logout_accepts_any_token(sign_in: SignIn, tokens_of_anna: Tokens) -> None:
    for token in ("", "abc", "\ud800", tokens_of_anna.access_token, tokens_of_anna.refresh_token[:-1]):
        sign_in.logout(token)
    assert is_known(sign_in, tokens_of_anna)


def test_T25_T26_logout_ends_only_its_session_also_with_a_rotated_token(
    sign_in: SignIn, tokens_of_anna: Tokens, database: Database
) -> None:
    other = log_in(sign_in)
    renewed = sign_in.refresh(tokens_of_anna.refresh_token)
    for _ in range(2):
        sign_in.logout(tokens_of_anna.refresh_token)
    assert [is_known(sign_in, each) for each in (tokens_of_anna, renewed, other)] == [False, False, True]
    assert end_reasons(database) == {"logout": 1, None: 1}


def test_an_eleventh_session_ends_the_least_recently_used(
    sign_in: SignIn, anna: UUID, clock: FakeClock, database: Database
) -> None:
    logged_in = []
    for client in CLIENTS[:10]:
        logged_in.append(log_in(sign_in, client))
        clock.move(seconds=1)
    logged_in[0] = sign_in.refresh(logged_in[0].refresh_token)
    clock.move(seconds=1)
    log_in(sign_in, CLIENTS[10])
    assert [is_known(sign_in, each) for each in logged_in] == [True, False, *[True] * 8]
    assert end_reasons(database) == {None: 10, "too_many": 1}
    shown = sign_in.sessions(anna, None)
    assert [tx.client for tx in shown] == [CLIENTS[n] for n in (10, 9, 8, 7, 6, 5, 4, 3, 2, 0)]


def test_at_most_ten_sessions_also_with_parallel_logins(sign_in: SignIn, anna: UUID) -> None:
    def log_in_until_allowed(_: int) -> Tokens:
        while True:
            with suppress(RateLimited):
                return log_in(sign_in)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(log_in_until_allowed, range(24)))
    assert len(sign_in.sessions(anna, None, limit=100)) == 10


def test_the_list_of_sessions(identity: IdentityService, sign_in: SignIn, anna: UUID, clock: FakeClock) -> None:
    identity.register(by_email("boris@example.com"))
    log_in(sign_in, "his", "boris@example.com")
    clock.move(days=-13)
    began = clock.at
    log_in(sign_in, "gone")
    kept = log_in(sign_in, "\tFirefox\r\n\u202e" + "x" * 300 + "Linux")
    clock.move(days=14)
    clock.move(seconds=-1)
    kept = sign_in.refresh(kept.refresh_token)
    clock.move(seconds=1)
    [shown] = sign_in.sessions(anna, session_of(sign_in, kept))
    assert (shown.client, shown.current) == ("Firefox on Linux", True)
    assert (shown.created_at, (shown.last_used_at - began).days) == (began, 13)
    assert (shown.expires_at - shown.last_used_at).days == 14
    assert sign_in.sessions(anna, uuid4())[0].current is False


def test_a_session_of_another_user_cannot_be_ended(
    identity: IdentityService, sign_in: SignIn, tokens_of_anna: Tokens
) -> None:
    boris = identity.register(by_email("boris@example.com")).id
    for session_id in (session_of(sign_in, tokens_of_anna), uuid4()):
        with pytest.raises(NotFound) as error:
            sign_in.end_session(boris, session_id)
        assert error.value.detail == "There is no such session."
    assert is_known(sign_in, tokens_of_anna)
