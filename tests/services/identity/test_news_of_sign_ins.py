"""What the owner of an account is told: a sign-in from somewhere new, a changed password."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from services.db import Sessions
from services.identity.account_messages import AccountMessages
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.views import NewPassword
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import PASSWORD, by_email, by_phone

Notice = tuple[str, str | None, str, dict[str, str]]


def told(outbox: AccountMessages) -> list[Notice]:
    return [(each.channel, each.to, each.template, dict(each.variables)) for each in outbox.take(100)]


def enter(sign_in: SignIn, client: str | None) -> None:
    sign_in.login("anna@example.com", None, PASSWORD, client)


def test_a_client_not_seen_for_thirty_days_is_news(
    identity: IdentityService, sign_in: SignIn, clock: FakeClock, outbox: AccountMessages
) -> None:
    identity.register(by_email())
    enter(sign_in, "Firefox")
    enter(sign_in, "Firefox")
    assert told(outbox) == []
    enter(sign_in, "curl\n/8")
    at = f"{clock.at:%Y-%m-%d %H:%M} UTC"
    assert told(outbox) == [("email", "anna@example.com", "new_sign_in", {"client": "curl/8", "at": at})]
    clock.move(days=29)
    enter(sign_in, "curl/8")
    assert len(told(outbox)) == 1
    clock.move(days=2)
    enter(sign_in, "Firefox")
    enter(sign_in, None)
    assert [variables["client"] for *_, variables in told(outbox)] == ["curl/8", "Firefox", ""]


def test_a_failed_sign_in_is_no_news(identity: IdentityService, sign_in: SignIn, outbox: AccountMessages) -> None:
    identity.register(by_email())
    enter(sign_in, "Firefox")
    with pytest.raises(Exception, match="do not match"):
        sign_in.login("anna@example.com", None, "wrong-Password-1", "curl")
    assert told(outbox) == []


def test_T34_a_changed_password_is_told_wherever_news_may_go(
    identity: IdentityService, sign_in: SignIn, sessions: Sessions, outbox: AccountMessages
) -> None:
    boris = identity.register(by_phone()).id
    with sessions.begin() as session:
        session.execute(
            text("UPDATE identity.users SET email = 'b@example.com', email_canonical = 'b@example.com'"),
        )
    for password, new, verified in (
        (PASSWORD, "one more set of words", False),
        ("one more set of words", PASSWORD, True),
    ):
        caller = sign_in.authenticate(sign_in.login(None, "+79991234567", password).access_token)
        assert caller.session_id is not None
        with sessions.begin() as session:
            session.execute(text("UPDATE identity.users SET email_verified = :verified"), {"verified": verified})
        sign_in.change_password(boris, caller.session_id, NewPassword(password, new))
    assert told(outbox) == [
        ("sms", "+79991234567", "password_changed", {}),
        ("email", "b@example.com", "password_changed", {}),
        ("sms", "+79991234567", "password_changed", {}),
    ]
    assert {each.language for each in outbox.take(100)} == {"en"}
