"""Messages to the owner of an account: a sign-in from a new client, a changed password."""

from __future__ import annotations

from itertools import pairwise
from uuid import UUID

import pytest

from services.db import Database
from services.identity.account_messages import AccountMessages
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.views import NewPassword
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import PASSWORD, by_email, by_phone

Message = tuple[str, str | None, str, dict[str, str]]


def pending_messages(outbox: AccountMessages) -> list[Message]:
    return [(each.channel, each.to, each.template, dict(each.variables)) for each in outbox.pending(100)]


def log_in(sign_in: SignIn, client: str | None) -> None:
    sign_in.login("anna@example.com", None, PASSWORD, client)


LINUX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/128.0 Safari/537.36"


@pytest.fixture
def anna(identity: IdentityService, database: Database) -> UUID:
    """An account whose e-mail address is verified."""
    anna = identity.register(by_email()).id
    database.execute("UPDATE identity.users SET email_verified = true")
    return anna


def change_password(sign_in: SignIn, current: str, new: str) -> None:
    caller = sign_in.authenticate(sign_in.login("anna@example.com", None, current, LINUX).access_token)
    assert caller.session_id is not None
    assert caller.user_id is not None
    sign_in.change_password(caller.user_id, caller.session_id, NewPassword(current, new))


@pytest.mark.usefixtures("anna")
def test_a_sign_in_from_a_client_not_seen_for_thirty_days_is_notified(
    sign_in: SignIn, clock: FakeClock, outbox: AccountMessages
) -> None:
    log_in(sign_in, LINUX)
    log_in(sign_in, LINUX)
    assert pending_messages(outbox) == []
    log_in(sign_in, WINDOWS)
    variables = {"client": "Chrome on Windows", "at": f"{clock.at:%Y-%m-%d %H:%M} UTC"}
    assert pending_messages(outbox) == [("email", "anna@example.com", "new_sign_in", variables)]
    clock.move(days=29)
    log_in(sign_in, WINDOWS)
    assert len(pending_messages(outbox)) == 1
    clock.move(days=2)
    log_in(sign_in, LINUX)
    clock.move(seconds=3601)
    log_in(sign_in, None)
    clients = [variables["client"] for *_, variables in pending_messages(outbox)]
    assert clients == ["Chrome on Windows", "Firefox on Linux", "unknown client"]


@pytest.mark.usefixtures("anna")
def test_a_failed_sign_in_is_not_notified(sign_in: SignIn, outbox: AccountMessages) -> None:
    log_in(sign_in, LINUX)
    with pytest.raises(Exception, match="do not match"):
        sign_in.login("anna@example.com", None, "wrong-Password-1", "curl")
    assert pending_messages(outbox) == []


@pytest.mark.usefixtures("anna")
def test_T133_there_is_at_most_one_notice_of_a_kind_an_hour(
    sign_in: SignIn, clock: FakeClock, outbox: AccountMessages
) -> None:
    passwords = [PASSWORD, "one more set of words", "and again another set", "the fourth set of words"]
    for current, new in pairwise(passwords):
        change_password(sign_in, current, new)
    for agent in ("curl", WINDOWS, "Opera", "Vivaldi", *(f"made up {number}" for number in range(5))):
        sign_in.login("anna@example.com", None, passwords[-1], agent)
    assert [template for _, _, template, _ in pending_messages(outbox)] == ["password_changed", "new_sign_in"]
    clock.move(seconds=3601)
    sign_in.login("anna@example.com", None, passwords[-1], "YaBrowser")
    change_password(sign_in, passwords[-1], PASSWORD)
    assert [template for _, _, template, _ in pending_messages(outbox)][2:] == ["new_sign_in", "password_changed"]


@pytest.mark.usefixtures("anna")
def test_T133_user_agents_that_are_unknown_are_one_client(
    sign_in: SignIn, clock: FakeClock, outbox: AccountMessages
) -> None:
    for number in range(5):
        log_in(sign_in, f"made up {number}")
        clock.move(seconds=3601)
    assert pending_messages(outbox) == []


def test_T133_a_notice_goes_to_verified_identifiers_only(
    identity: IdentityService, sign_in: SignIn, database: Database, clock: FakeClock, outbox: AccountMessages
) -> None:
    """T34: a changed password is notified to each of them."""
    boris = identity.register(by_phone()).id
    database.execute("UPDATE identity.users SET email = 'b@example.com', email_canonical = 'b@example.com'")
    passwords = [PASSWORD, "one more set of words", "and again another set", PASSWORD]
    for (current, new), verified in zip(
        pairwise(passwords), ((False, False), (True, False), (True, True)), strict=True
    ):
        caller = sign_in.authenticate(sign_in.login(None, "+79991234567", current).access_token)
        assert caller.session_id is not None
        set_verified = "UPDATE identity.users SET phone_verified = %(phone)s, email_verified = %(email)s"
        database.execute(set_verified, {"phone": verified[0], "email": verified[1]})
        sign_in.change_password(boris, caller.session_id, NewPassword(current, new))
        clock.move(seconds=3601)
    assert pending_messages(outbox) == [
        ("sms", "+79991234567", "password_changed", {}),
        ("email", "b@example.com", "password_changed", {}),
        ("sms", "+79991234567", "password_changed", {}),
    ]
    assert {each.language for each in outbox.pending(100)} == {"en"}
