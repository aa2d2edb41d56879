"""Changes of the own identifiers: by password, and by a code that is valid in the session that asked for it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from services.errors import Invalid, InvalidCode, InvalidCredentials, RateLimited, Unauthenticated
from services.identity.status import IdentifierKind
from services.identity.views import Caller, NewPassword, Profile
from tests.services.identity.accounts import Accounts
from tests.services.identity.doubles import PASSWORD, by_email

ANNA, STRANGER, PHONE = "anna@example.com", "stranger@example.com", "+79991234567"
WANTED = "wanted@example.com"
NEW = "quite another set of words"


@pytest.fixture
def anna(accounts: Accounts) -> Profile:
    return accounts.identity.register(by_email(ANNA))


def profile(accounts: Accounts, caller: Caller) -> Profile:
    assert caller.user_id is not None
    return accounts.identity.profile(caller.user_id)


def test_a_new_address_is_set_when_its_code_is_confirmed(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    accounts.confirm(ANNA, accounts.code(ANNA), caller)
    accounts.changes.request(caller, "Anna.New@Example.com", None, PASSWORD)
    code = accounts.newest("Anna.New@example.com")
    assert profile(accounts, caller).email == ANNA
    accounts.confirm("anna.new@example.com", code, caller)
    changed = profile(accounts, caller)
    assert (changed.email, changed.email_verified) == ("anna.new@example.com", True)
    accounts.log_in("ANNA.NEW@example.com")
    with pytest.raises(InvalidCredentials):
        accounts.log_in(ANNA)
    assert accounts.notices() == [(ANNA, "identifier_changed")]


def test_a_phone_can_be_added_to_an_address(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    accounts.confirm(PHONE, accounts.add(caller, PHONE), caller)
    accounts.log_in(PHONE)
    assert accounts.notices() == []  # the address is not verified


def test_T124_the_verified_identifiers_are_notified_of_a_new_one(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    accounts.confirm(ANNA, accounts.code(ANNA), caller)
    accounts.confirm(PHONE, accounts.add(caller, PHONE), caller)
    assert accounts.notices() == [(ANNA, "identifier_added")]


def test_T124_an_identifier_is_removed_at_once(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    accounts.confirm(ANNA, accounts.code(ANNA), caller)
    accounts.confirm(PHONE, accounts.add(caller, PHONE), caller)
    token = accounts.reset_token(ANNA)
    with pytest.raises(InvalidCredentials):
        accounts.changes.remove(caller, IdentifierKind.EMAIL, "wrong password 123")
    for _ in range(2):
        accounts.changes.remove(caller, IdentifierKind.EMAIL, PASSWORD)
    left = profile(accounts, caller)
    assert (left.email, left.email_verified, left.phone) == (None, False, PHONE)
    with pytest.raises(InvalidCredentials):
        accounts.log_in(ANNA)
    with pytest.raises(Exception, match="reset token is invalid"):
        accounts.resets.confirm(token, NEW)
    assert accounts.notices()[-2:] == [(ANNA, "identifier_removed"), (PHONE, "identifier_removed")]
    assert accounts.identity.register(by_email(ANNA)).id != anna.id


def test_T124_the_last_identifier_stays(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    with pytest.raises(Invalid) as refused:
        accounts.changes.remove(caller, IdentifierKind.EMAIL, PASSWORD)
    assert (refused.value.code, refused.value.pointer) == ("validation-error", "/email")
    accounts.changes.remove(caller, IdentifierKind.PHONE, PASSWORD)  # there is none
    assert profile(accounts, caller).email == ANNA


@pytest.mark.parametrize("bearer", ["none", "another session", "another account"])
def test_T122_a_change_needs_the_session_that_asked_for_it(accounts: Accounts, anna: Profile, bearer: str) -> None:
    accounts.identity.register(by_email(STRANGER))
    caller, other = accounts.session(ANNA), accounts.session(STRANGER)
    code = accounts.add(caller, PHONE)
    wrong = {"none": None, "another session": accounts.session(ANNA), "another account": other}[bearer]
    for _ in range(6):  # tries of others are not counted
        with pytest.raises(InvalidCode):
            accounts.confirm(PHONE, code, wrong)
    assert profile(accounts, caller).phone is None
    accounts.confirm(PHONE, code, caller)
    assert profile(accounts, caller).phone == PHONE


@pytest.mark.parametrize("end", ["password change", "reset", "first proof", "removal", "session"])
def test_T122_a_pending_change_ends(accounts: Accounts, anna: Profile, end: str) -> None:
    caller = accounts.session(ANNA)
    if end in ("removal", "reset"):
        accounts.confirm("+79997654321", accounts.add(caller, "+79997654321"), caller)
        accounts.confirm(ANNA, accounts.code(ANNA), caller)
    code = accounts.add(caller, PHONE)
    assert caller.user_id is not None
    assert caller.session_id is not None
    match end:
        case "password change":
            accounts.sign_in.change_password(caller.user_id, caller.session_id, NewPassword(PASSWORD, NEW))
        case "reset":
            accounts.resets.confirm(accounts.reset_token(ANNA), NEW)
        case "first proof":
            accounts.confirm(ANNA, accounts.code(ANNA))
        case "removal":
            accounts.changes.remove(caller, IdentifierKind.EMAIL, PASSWORD)
        case _:
            accounts.sign_in.end_session(caller.user_id, caller.session_id)
    with pytest.raises(InvalidCode):
        accounts.confirm(PHONE, code, caller)
    assert profile(accounts, caller).phone != PHONE


def test_T129_a_session_that_ended_meanwhile_changes_nothing(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    accounts.confirm(PHONE, accounts.add(caller, PHONE), caller)
    accounts.confirm(ANNA, accounts.code(ANNA), caller)
    assert caller.user_id is not None
    assert caller.session_id is not None
    accounts.sign_in.end_session(caller.user_id, caller.session_id)  # after the request was authenticated
    with pytest.raises(Unauthenticated):
        accounts.changes.remove(caller, IdentifierKind.EMAIL, PASSWORD)
    with pytest.raises(Unauthenticated):
        accounts.changes.request(caller, WANTED, None, PASSWORD)
    assert profile(accounts, caller).email == ANNA


def test_a_change_requires_the_password_and_wrong_ones_are_counted(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    for _ in range(5):
        with pytest.raises(InvalidCredentials):
            accounts.changes.request(caller, WANTED, None, "wrong password 123")
    with pytest.raises(RateLimited):
        accounts.changes.request(caller, WANTED, None, PASSWORD)
    assert accounts.outbox.pending(10) == []


def test_nothing_is_sent_to_an_address_of_another_account(accounts: Accounts, anna: Profile) -> None:
    accounts.identity.register(by_email(STRANGER))
    accounts.changes.request(accounts.session(ANNA), STRANGER, None, PASSWORD)
    assert [each.to for each in accounts.outbox.pending(10)] == [None]


def test_of_two_accounts_the_first_to_confirm_an_address_gets_it(accounts: Accounts, anna: Profile) -> None:
    accounts.identity.register(by_email(STRANGER))
    mine, other = accounts.session(ANNA), accounts.session(STRANGER)
    first = accounts.add(mine, WANTED)
    accounts.clock.move(seconds=61)
    second = accounts.add(other, WANTED)
    accounts.confirm(WANTED, second, other)
    with pytest.raises(InvalidCode):
        accounts.confirm(WANTED, first, mine)
    assert (profile(accounts, other).email, profile(accounts, mine).email) == (WANTED, ANNA)


def test_T10_one_code_per_minute_and_address_for_all_accounts(accounts: Accounts) -> None:
    people = [f"person-{number}@example.com" for number in range(3)]
    for person in people:
        accounts.identity.register(by_email(person))
        with suppress(RateLimited):
            accounts.changes.request(accounts.session(person), WANTED, None, PASSWORD)
    assert [each.to for each in accounts.outbox.pending(10)] == [WANTED]
