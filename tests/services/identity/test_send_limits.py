"""A stranger's requests for codes and resets do not use up what the owner of an identifier needs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.errors import RateLimited
from services.identity.views import Profile
from tests.services.identity.accounts import Accounts
from tests.services.identity.doubles import PASSWORD, by_email

ANNA, EVE, PHONE = "anna@example.com", "eve@example.com", "+79991234567"


@pytest.fixture
def anna(accounts: Accounts) -> Profile:
    return accounts.identity.register(by_email(ANNA))


def allowed(accounts: Accounts, request: Callable[[], object], tries: int = 5) -> int:
    """How many of the requests, one a minute, are not refused."""
    count = 0
    for _ in range(tries):
        accounts.clock.move(seconds=61)
        try:
            request()
        except RateLimited:
            continue
        count += 1
    return count


def test_T128_an_account_still_gets_codes_for_its_own_identifier(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    assert allowed(accounts, lambda: accounts.codes.send(ANNA, None)) == 3
    assert allowed(accounts, lambda: accounts.codes.send(ANNA, None, caller)) == 3
    assert allowed(accounts, lambda: accounts.changes.request(caller, ANNA, None, PASSWORD)) == 0
    accounts.clock.move(hours=1)
    accounts.codes.send(ANNA, None, caller)
    accounts.confirm(ANNA, accounts.newest(ANNA), caller)


def test_T128_another_account_is_a_stranger(accounts: Accounts, anna: Profile) -> None:
    accounts.identity.register(by_email(EVE))
    eve = accounts.session(EVE)
    assert allowed(accounts, lambda: accounts.codes.send(ANNA, None, eve)) == 3
    assert allowed(accounts, lambda: accounts.codes.send(ANNA, None)) == 0


def test_T128_an_account_still_gets_codes_for_a_new_identifier(accounts: Accounts, anna: Profile) -> None:
    caller = accounts.session(ANNA)
    assert allowed(accounts, lambda: accounts.codes.send(None, PHONE)) == 3
    accounts.confirm(PHONE, accounts.add(caller, PHONE), caller)


def test_T128_after_a_reset_the_owner_gets_another_one(accounts: Accounts, anna: Profile) -> None:
    assert allowed(accounts, lambda: accounts.resets.request(ANNA, None)) == 3
    accounts.resets.confirm(accounts.newest(ANNA, "resetToken"), "quite another set of words")
    accounts.resets.confirm(accounts.reset_token(ANNA), "one more set of words")
    # The requests of a stranger are not used, so they get one more at most.
    assert allowed(accounts, lambda: accounts.resets.request(ANNA, None)) == 1


def test_T128_after_a_used_code_one_more_is_counted_apart(accounts: Accounts, anna: Profile) -> None:
    assert allowed(accounts, lambda: accounts.codes.send(ANNA, None)) == 3
    accounts.confirm(ANNA, accounts.newest(ANNA))
    assert allowed(accounts, lambda: accounts.codes.send(ANNA, None)) == 1
