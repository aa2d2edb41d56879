"""Who proves an identifier owns the account: what a first proof ends, and where a reset is sent."""

from __future__ import annotations

import pytest

from services.db import Database
from services.errors import InvalidCode, InvalidCredentials, InvalidToken, Unauthenticated
from services.identity.status import IdentifierKind
from services.identity.views import Profile
from tests.services.identity.accounts import Accounts, either
from tests.services.identity.doubles import PASSWORD, by_email, by_phone

ANNA, EVE, EVES_PHONE, PHONE = "anna@example.com", "eve@example.com", "+79997654321", "+79991234567"
NEW = "quite another set of words"


def reaches(accounts: Accounts, identifier: str, password: str) -> bool:
    try:
        accounts.log_in(identifier, password)
    except InvalidCredentials:
        return False
    return True


def is_sent(accounts: Accounts, identifier: str) -> bool:
    """Whether a reset that somebody asks for is sent to the identifier."""
    before = len(accounts.outbox.pending(1000))
    accounts.resets.request(*either(identifier))
    (message,) = accounts.outbox.pending(1000)[before:]
    return message.to == identifier


@pytest.fixture
def squatted(accounts: Accounts) -> Profile:
    """Eve registered Anna's address and added a number of her own, which she verified."""
    profile = accounts.identity.register(by_email(ANNA))
    eve = accounts.session(ANNA)
    accounts.confirm(EVES_PHONE, accounts.add(eve, EVES_PHONE), eve)
    return profile


def test_T121_a_first_proof_by_reset_removes_what_others_added(accounts: Accounts) -> None:
    account = accounts.identity.register(by_email(ANNA))
    eve = accounts.session(ANNA)
    token = accounts.reset_token(ANNA)
    code = accounts.add(eve, EVES_PHONE)
    accounts.resets.confirm(token, NEW)
    with pytest.raises(InvalidCode):
        accounts.confirm(EVES_PHONE, code, eve)
    assert not reaches(accounts, ANNA, PASSWORD)
    owned = accounts.identity.profile(account.id)
    assert (owned.email, owned.email_verified, owned.phone) == (ANNA, True, None)


def test_T121_a_first_proof_by_code_removes_what_others_added(accounts: Accounts, squatted: Profile) -> None:
    eve = accounts.log_in(EVES_PHONE)
    token = accounts.reset_token(EVES_PHONE)
    accounts.confirm(ANNA, accounts.code(ANNA))
    owned = accounts.identity.profile(squatted.id)
    assert (owned.email, owned.email_verified, owned.phone, owned.phone_verified) == (ANNA, True, None, False)
    assert not reaches(accounts, EVES_PHONE, PASSWORD)
    with pytest.raises(Unauthenticated):
        accounts.sign_in.authenticate(eve.access_token)
    with pytest.raises(InvalidToken):
        accounts.resets.confirm(token, NEW)
    accounts.clock.move(seconds=61)
    assert not is_sent(accounts, EVES_PHONE)
    assert (EVES_PHONE, "identifier_removed") in accounts.notices()


def test_T121_what_is_added_by_the_old_password_after_a_code_does_not_outlive_a_reset(
    accounts: Accounts, squatted: Profile
) -> None:
    accounts.confirm(ANNA, accounts.code(ANNA))
    eve = accounts.session(ANNA)  # a code does not replace the password
    accounts.clock.move(seconds=61)
    accounts.confirm(EVES_PHONE, accounts.add(eve, EVES_PHONE), eve)
    accounts.resets.confirm(accounts.reset_token(EVES_PHONE), "a set of words of eve")
    accounts.resets.confirm(accounts.reset_token(ANNA), NEW)
    assert accounts.identity.profile(squatted.id).phone is None
    accounts.clock.move(seconds=61)
    assert not is_sent(accounts, EVES_PHONE)
    assert reaches(accounts, ANNA, NEW)


def test_T121_a_later_proof_removes_nothing(accounts: Accounts) -> None:
    account = accounts.identity.register(by_phone(PHONE))
    boris = accounts.session(PHONE)
    accounts.confirm(PHONE, accounts.code(PHONE), boris)
    accounts.confirm(ANNA, accounts.add(boris, ANNA), boris)
    for identifier, password in ((ANNA, "one set of words"), (PHONE, "another set of words")):
        accounts.resets.confirm(accounts.reset_token(identifier), password)
        owned = accounts.identity.profile(account.id)
        assert (owned.email, owned.email_verified, owned.phone, owned.phone_verified) == (ANNA, True, PHONE, True)
    # Once for both resets: a notice of one kind is sent once an hour.
    assert sorted(accounts.notices()[-2:]) == [(PHONE, "password_changed"), (ANNA, "password_changed")]


def test_T121_after_a_code_a_reset_with_a_later_identifier_removes_nothing(accounts: Accounts) -> None:
    """Register, verify without a session, sign in, add an address, and reset with it: the walk of the README."""
    account = accounts.identity.register(by_phone(PHONE))
    accounts.confirm(PHONE, accounts.code(PHONE))
    boris = accounts.session(PHONE)
    accounts.confirm(ANNA, accounts.add(boris, ANNA), boris)
    accounts.resets.confirm(accounts.reset_token(ANNA), NEW)
    owned = accounts.identity.profile(account.id)
    assert (owned.email_verified, owned.phone_verified) == (True, True)


def test_T121_a_reset_proves_only_the_identifier_that_it_was_sent_to(accounts: Accounts) -> None:
    account = accounts.identity.register(by_email(ANNA))
    anna = accounts.session(ANNA)
    accounts.confirm(PHONE, accounts.add(anna, PHONE), anna)
    accounts.resets.confirm(accounts.reset_token(PHONE), NEW)
    owned = accounts.identity.profile(account.id)
    assert (owned.email, owned.email_verified, owned.phone_verified) == (ANNA, False, True)


def test_T123_a_code_is_invalid_for_another_account(accounts: Accounts) -> None:
    anna, eve = accounts.identity.register(by_email(ANNA)), accounts.identity.register(by_email(EVE))
    eves, annas = accounts.session(EVE), accounts.session(ANNA)
    # Eve asks for a change to Anna's number, and Anna enters the code in her own session.
    code = accounts.add(eves, PHONE)
    with pytest.raises(InvalidCode) as refused:
        accounts.confirm(PHONE, code, annas)
    assert refused.value.detail == "This code is invalid or has expired. Request a new one."
    with pytest.raises(InvalidCode):
        accounts.confirm(PHONE, code)
    # Anna's own code is of no use in Eve's session either.
    with pytest.raises(InvalidCode):
        accounts.confirm(ANNA, accounts.code(ANNA), eves)
    profiles = [accounts.identity.profile(each.id) for each in (anna, eve)]
    assert [(each.phone, each.email_verified) for each in profiles] == [(None, False)] * 2


def test_T123_a_code_is_invalid_for_another_purpose(accounts: Accounts) -> None:
    account = accounts.identity.register(by_email(ANNA))
    anna = accounts.session(ANNA)
    changing = accounts.add(anna, ANNA)  # verifies the own address in the session
    with pytest.raises(InvalidCode):
        accounts.confirm(ANNA, changing)
    accounts.confirm(ANNA, changing, anna)
    assert accounts.identity.profile(account.id).email_verified


def test_T127_a_reset_is_sent_to_a_proven_identifier_only(accounts: Accounts) -> None:
    """The number was mistyped at the registration and belongs to somebody else; the address was added and verified."""
    accounts.identity.register(by_phone(PHONE))
    assert is_sent(accounts, PHONE)  # it is the identifier of the registration, and none is proven
    boris = accounts.session(PHONE)
    accounts.confirm(ANNA, accounts.add(boris, ANNA), boris)
    accounts.clock.move(seconds=61)
    assert not is_sent(accounts, PHONE)
    assert is_sent(accounts, ANNA)
    accounts.changes.remove(boris, IdentifierKind.PHONE, PASSWORD)
    accounts.clock.move(seconds=61)
    assert not is_sent(accounts, PHONE)


def test_T127_a_token_proves_nothing_after_its_identifier_was_replaced(accounts: Accounts) -> None:
    accounts.identity.register(by_email(ANNA))
    anna = accounts.session(ANNA)
    token = accounts.reset_token(ANNA)
    accounts.confirm(EVE, accounts.add(anna, EVE), anna)
    with pytest.raises(InvalidToken):
        accounts.resets.confirm(token, NEW)


def test_T127_a_token_is_bound_to_its_identifier(accounts: Accounts, database: Database) -> None:
    """Also when the token itself is still live: a request that read the account before the change writes it after."""
    accounts.identity.register(by_email(ANNA))
    token = accounts.reset_token(ANNA)
    with database.transaction() as tx:
        tx.execute("UPDATE identity.users SET email = 'eve@example.com', email_canonical = 'eve@example.com'")
    with pytest.raises(InvalidToken):
        accounts.resets.confirm(token, NEW)
    with database.transaction() as tx:
        assert tx.fetch_column("SELECT identifier_hash IS NOT NULL FROM identity.password_reset_tokens") == [True]
