"""Messages to the owner of an account: a sign-in from a new client, a changed password."""

from __future__ import annotations

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


def test_a_sign_in_from_a_client_not_seen_for_thirty_days_is_notified(
    identity: IdentityService, sign_in: SignIn, clock: FakeClock, outbox: AccountMessages
) -> None:
    identity.register(by_email())
    log_in(sign_in, "Firefox")
    log_in(sign_in, "Firefox")
    assert pending_messages(outbox) == []
    log_in(sign_in, "curl\n/8")
    at = f"{clock.at:%Y-%m-%d %H:%M} UTC"
    assert pending_messages(outbox) == [("email", "anna@example.com", "new_sign_in", {"client": "curl/8", "at": at})]
    clock.move(days=29)
    log_in(sign_in, "curl/8")
    assert len(pending_messages(outbox)) == 1
    clock.move(days=2)
    log_in(sign_in, "Firefox")
    log_in(sign_in, None)
    assert [variables["client"] for *_, variables in pending_messages(outbox)] == ["curl/8", "Firefox", ""]


def test_a_failed_sign_in_is_not_notified(identity: IdentityService, sign_in: SignIn, outbox: AccountMessages) -> None:
    identity.register(by_email())
    log_in(sign_in, "Firefox")
    with pytest.raises(Exception, match="do not match"):
        sign_in.login("anna@example.com", None, "wrong-Password-1", "curl")
    assert pending_messages(outbox) == []


def test_T34_a_changed_password_is_notified_to_every_contact(
    identity: IdentityService, sign_in: SignIn, database: Database, outbox: AccountMessages
) -> None:
    boris = identity.register(by_phone()).id
    with database.transaction() as tx:
        tx.execute(
            ("UPDATE identity.users SET email = 'b@example.com', email_canonical = 'b@example.com'"),
        )
    for password, new, verified in (
        (PASSWORD, "one more set of words", False),
        ("one more set of words", PASSWORD, True),
    ):
        caller = sign_in.authenticate(sign_in.login(None, "+79991234567", password).access_token)
        assert caller.session_id is not None
        with database.transaction() as tx:
            tx.execute("UPDATE identity.users SET email_verified = %(verified)s", {"verified": verified})
        sign_in.change_password(boris, caller.session_id, NewPassword(password, new))
    assert pending_messages(outbox) == [
        ("sms", "+79991234567", "password_changed", {}),
        ("email", "b@example.com", "password_changed", {}),
        ("sms", "+79991234567", "password_changed", {}),
    ]
    assert {each.language for each in outbox.pending(100)} == {"en"}
