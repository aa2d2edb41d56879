"""The second factor of operators: enrolment, codes that are accepted once, recovery codes, and what a role is worth."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pyotp
import pytest

from services.db import Database
from services.errors import (
    Denied,
    IdentifierNotVerified,
    InvalidCode,
    InvalidCredentials,
    InvalidToken,
    InvalidTransition,
    NotFound,
    RateLimited,
    Unauthenticated,
)
from services.identity.operators import Operators
from services.identity.second_factor import recovery_hash
from services.identity.second_factor_enrolment import SecondFactorEnrolment
from services.identity.sign_in import SignIn
from services.identity.views import Caller, CallerKind, Tokens
from services.secrets import Vault
from tests.fakes.clock import FakeClock
from tests.services.identity.accounts import Accounts
from tests.services.identity.doubles import KEY, PASSWORD, by_email

ANNA, NEW = "anna@example.com", "quite another set of words"
#: A code that can never be right.
WRONG = "00000"


@dataclass(frozen=True)
class Operator:
    """An operator's account, with the app on her phone."""

    accounts: Accounts
    enrolment: SecondFactorEnrolment
    secret: str
    recovery_codes: list[str]

    def code(self, seconds: int = 0) -> str:
        """What the app shows so many seconds from now."""
        return pyotp.TOTP(self.secret).at(int(self.accounts.clock.at.timestamp()) + seconds)

    def log_in(self, otp: str | None, password: str = PASSWORD) -> Tokens:
        return self.accounts.sign_in.login(ANNA, None, password, "Firefox", otp)

    def session(self) -> Caller:
        """A new session with the next code."""
        self.accounts.clock.move(seconds=30)
        return self.accounts.sign_in.authenticate(self.log_in(self.code()).access_token)


@pytest.fixture
def granted(accounts: Accounts, operators: Operators) -> Caller:
    """A session of an operator's account that has no second factor."""
    accounts.identity.register(by_email(ANNA))
    caller = accounts.session(ANNA)
    accounts.confirm(ANNA, accounts.code(ANNA), caller)
    assert caller.user_id is not None
    operators.grant(caller.user_id)
    return accounts.session(ANNA)


@pytest.fixture
def anna(accounts: Accounts, enrolment: SecondFactorEnrolment, granted: Caller) -> Operator:
    secret = enrolment.start(granted, PASSWORD).secret
    code = pyotp.TOTP(secret).at(accounts.clock.at)
    return Operator(accounts, enrolment, secret, list(enrolment.confirm(granted, code)))


def test_T166_without_a_second_factor_an_account_is_a_buyers(
    accounts: Accounts, enrolment: SecondFactorEnrolment, granted: Caller
) -> None:
    assert (granted.kind, granted.role) == (CallerKind.BUYER, "buyer")
    secret = enrolment.start(granted, PASSWORD).secret
    assert accounts.session(ANNA).kind is CallerKind.BUYER
    enrolment.confirm(granted, pyotp.TOTP(secret).at(accounts.clock.at))
    with pytest.raises(InvalidCode):
        accounts.log_in(ANNA)


def test_T166_a_session_from_before_the_second_factor_stays_a_buyers(
    accounts: Accounts, enrolment: SecondFactorEnrolment, granted: Caller
) -> None:
    here, there = accounts.log_in(ANNA), accounts.log_in(ANNA)
    caller = accounts.sign_in.authenticate(here.access_token)
    secret = enrolment.start(caller, PASSWORD).secret
    enrolment.confirm(caller, pyotp.TOTP(secret).at(accounts.clock.at))
    renewed = accounts.sign_in.refresh(here.refresh_token)
    assert accounts.sign_in.authenticate(renewed.access_token).kind is CallerKind.BUYER
    with pytest.raises(Unauthenticated):
        accounts.sign_in.authenticate(there.access_token)


def test_a_session_with_a_code_is_an_operators_also_after_a_refresh(anna: Operator) -> None:
    sign_in = anna.accounts.sign_in
    anna.accounts.clock.move(seconds=30)
    tokens = anna.log_in(anna.code())
    renewed = sign_in.refresh(tokens.refresh_token)
    for each in (tokens, renewed, sign_in.refresh(tokens.refresh_token)):
        caller = sign_in.authenticate(each.access_token)
        assert (caller.kind, caller.identity) == (CallerKind.OPERATOR, str(caller.user_id))


def test_a_code_of_the_neighbouring_steps_is_accepted(anna: Operator) -> None:
    anna.accounts.clock.move(minutes=10)
    for seconds in (-60, 60, 90):
        with pytest.raises(InvalidCode):
            anna.log_in(anna.code(seconds))
    for seconds in (-30, 0, 30):
        assert anna.log_in(anna.code(seconds)).expires_in == 600


def test_T165_a_code_is_accepted_once(anna: Operator) -> None:
    with pytest.raises(InvalidCode):
        anna.log_in(anna.code())  # it confirmed the enrolment
    anna.accounts.clock.move(minutes=1)
    code = anna.code()
    anna.log_in(code)
    for used in (code, f"{code[:3]} {code[3:]}", anna.code(-30)):
        with pytest.raises(InvalidCode):
            anna.log_in(used)
    assert anna.log_in(anna.code(30)).expires_in == 600


def test_T165_of_the_same_code_at_once_one_wins(anna: Operator) -> None:
    anna.accounts.clock.move(minutes=1)
    assert at_once(anna, anna.code()) == Counter(signed_in=1, refused=3)


def test_T165_of_the_same_recovery_code_at_once_one_wins(anna: Operator) -> None:
    assert at_once(anna, anna.recovery_codes[0]) == Counter(signed_in=1, refused=3)


def at_once(anna: Operator, code: str) -> Counter[str]:
    """How four sign-ins with the same code end; more would be delayed."""

    def ends(_: int) -> str:
        try:
            anna.log_in(code)
        except InvalidCode:
            return "refused"
        return "signed_in"

    with ThreadPoolExecutor(4) as threads:
        return Counter(threads.map(ends, range(4)))


@pytest.mark.parametrize("otp", ["", "abcdef", "12345", "1234567", "１２３４５６", "A" * 24, "-" * 60, "\x00"])
def test_T165_wrong_codes(anna: Operator, otp: str) -> None:
    anna.accounts.clock.move(minutes=1)
    with pytest.raises(InvalidCode) as refused:
        anna.log_in(otp)
    assert refused.value.detail == "The code is wrong, has expired or was used. Wait for the next one."


def test_T165_guesses_are_delayed_and_then_locked(anna: Operator) -> None:
    clock, refused, waits = anna.accounts.clock, 0, []
    while refused < 100:
        try:
            anna.log_in(WRONG)
        except InvalidCode:
            refused += 1
        except RateLimited as wait:
            waits.append(wait.retry_after)
            clock.move(seconds=wait.retry_after)
    assert (waits[:4], waits[-1], len(waits)) == ([1, 2, 4, 8], 900, 95)
    # A reset of the password deletes the count of the identifier, and not the one of the codes.
    anna.accounts.resets.confirm(anna.accounts.reset_token(ANNA), NEW)
    clock.move(hours=1)
    for otp in (anna.code(), anna.recovery_codes[0]):
        with pytest.raises(InvalidCode):
            anna.log_in(otp, NEW)
        clock.move(hours=1)


def test_T165_the_password_alone_does_not_start_the_count_of_codes_again(
    anna: Operator, enrolment: SecondFactorEnrolment
) -> None:
    session = anna.session()
    for _ in range(5):
        with pytest.raises(InvalidCode):
            enrolment.remove(session, PASSWORD, WRONG)
    with pytest.raises(RateLimited, match="wrong codes"):
        enrolment.remove(session, PASSWORD, WRONG)


def test_T165_a_right_code_does_not_help_a_wrong_password(anna: Operator) -> None:
    anna.accounts.clock.move(minutes=1)
    with pytest.raises(InvalidCredentials):
        anna.log_in(anna.code(), "wrong-Password-1")
    assert anna.log_in(anna.code()).expires_in == 600


def test_T167_a_recovery_code_is_accepted_once(anna: Operator) -> None:
    assert len(set(anna.recovery_codes)) == 10
    first = anna.recovery_codes[0]
    caller = anna.accounts.sign_in.authenticate(anna.log_in(first.lower().replace("-", " ")).access_token)
    assert caller.kind is CallerKind.OPERATOR
    with pytest.raises(InvalidCode):
        anna.log_in(first)
    assert anna.enrolment.status(caller).recovery_codes_left == 9
    assert (ANNA, "recovery_code_used") in anna.accounts.notices()


def test_T167_secrets_are_stored_encrypted_and_recovery_codes_as_hashes(anna: Operator, database: Database) -> None:
    with database.transaction() as tx:
        sealed = bytes(tx.fetch_value("SELECT sealed FROM identity.second_factors"))
        hashes = {bytes(row.hash) for row in tx.fetch_all("SELECT hash FROM identity.recovery_codes")}
    assert anna.secret.encode() not in sealed
    assert Vault(KEY).open(sealed) == {"secret": anna.secret}
    assert hashes == {recovery_hash(code) for code in anna.recovery_codes}


def test_T167_a_password_reset_does_not_remove_the_second_factor(anna: Operator) -> None:
    anna.accounts.resets.confirm(anna.accounts.reset_token(ANNA), NEW)
    with pytest.raises(InvalidCode):
        anna.log_in(None, NEW)
    anna.accounts.clock.move(minutes=1)
    caller = anna.accounts.sign_in.authenticate(anna.log_in(anna.code(), NEW).access_token)
    assert caller.kind is CallerKind.OPERATOR


def test_T166_enrolment_needs_the_password_and_an_operators_account(
    accounts: Accounts, enrolment: SecondFactorEnrolment, granted: Caller
) -> None:
    with pytest.raises(InvalidCredentials):
        enrolment.start(granted, "wrong-Password-1")
    accounts.identity.register(by_email("boris@example.com"))
    boris = accounts.session("boris@example.com")
    with pytest.raises(Denied):
        enrolment.start(boris, PASSWORD)
    assert vars(enrolment.status(boris)) == {"required": False, "enabled": False, "recovery_codes_left": 0}
    assert vars(enrolment.status(granted)) == {"required": True, "enabled": False, "recovery_codes_left": 0}


def test_an_enrolment_is_confirmed_once_within_15_minutes(
    accounts: Accounts, enrolment: SecondFactorEnrolment, granted: Caller
) -> None:
    def app(secret: str) -> str:
        return pyotp.TOTP(secret).at(accounts.clock.at)

    with pytest.raises(InvalidTransition, match="start again"):
        enrolment.confirm(granted, WRONG)
    first = enrolment.start(granted, PASSWORD).secret
    accounts.clock.move(minutes=15)
    with pytest.raises(InvalidTransition, match="start again"):
        enrolment.confirm(granted, app(first))
    second = enrolment.start(granted, PASSWORD)
    assert second.uri.startswith("otpauth://totp/Marketplace%20Orders:anna%40example.com?secret=")
    with pytest.raises(InvalidCode):
        enrolment.confirm(granted, app(first))
    enrolment.confirm(granted, app(second.secret))
    with pytest.raises(InvalidTransition, match="start again"):
        enrolment.confirm(granted, app(second.secret))
    with pytest.raises(InvalidTransition, match="remove it"):
        enrolment.start(granted, PASSWORD)
    assert (ANNA, "second_factor_added") in accounts.notices()


def test_T166_removing_needs_password_and_code_and_ends_every_session(
    anna: Operator, enrolment: SecondFactorEnrolment
) -> None:
    session = anna.session()
    with pytest.raises(InvalidCredentials):
        enrolment.remove(session, "wrong-Password-1", anna.code(30))
    with pytest.raises(InvalidCode):
        enrolment.remove(session, PASSWORD, anna.code())
    enrolment.remove(session, PASSWORD, anna.code(30))
    with pytest.raises(Unauthenticated):
        enrolment.start(session, PASSWORD)
    again = anna.accounts.session(ANNA)
    assert again.kind is CallerKind.BUYER
    with pytest.raises(InvalidTransition, match="no second factor"):
        enrolment.remove(again, PASSWORD, anna.recovery_codes[0])
    assert (ANNA, "second_factor_removed") in anna.accounts.notices()


def test_T166_revoking_ends_sessions_and_removes_the_second_factor(anna: Operator, operators: Operators) -> None:
    anna.accounts.clock.move(seconds=30)
    tokens = anna.log_in(anna.code())
    session = anna.accounts.sign_in.authenticate(tokens.access_token)
    assert session.user_id is not None
    operators.revoke(session.user_id)
    with pytest.raises(Unauthenticated):
        anna.accounts.sign_in.authenticate(tokens.access_token)
    with pytest.raises(InvalidToken):
        anna.accounts.sign_in.refresh(tokens.refresh_token)
    assert anna.accounts.session(ANNA).kind is CallerKind.BUYER
    operators.grant(session.user_id)
    assert anna.accounts.session(ANNA).kind is CallerKind.BUYER


def test_an_administrator_removes_a_locked_second_factor(anna: Operator, operators: Operators) -> None:
    session = anna.session()
    assert session.user_id is not None
    for _ in range(5):
        with pytest.raises(InvalidCode):
            anna.log_in(WRONG)
    operators.reset_second_factor(session.user_id)
    anna.accounts.clock.move(seconds=5)
    again = anna.accounts.session(ANNA)
    assert again.kind is CallerKind.BUYER
    secret = anna.enrolment.start(again, PASSWORD).secret
    assert len(anna.enrolment.confirm(again, pyotp.TOTP(secret).at(anna.accounts.clock.at))) == 10
    with pytest.raises(InvalidCode):
        anna.log_in(anna.recovery_codes[0])


def test_T166_only_a_verified_account_whose_password_is_its_owners_alone_is_granted(
    accounts: Accounts, operators: Operators, sign_in: SignIn, clock: FakeClock
) -> None:
    profile = accounts.identity.register(by_email(ANNA))
    with pytest.raises(IdentifierNotVerified):
        operators.grant(profile.id)
    # A stranger may have registered Anna's address and know the password.
    accounts.confirm(ANNA, accounts.code(ANNA))
    with pytest.raises(InvalidTransition, match="reset"):
        operators.grant(profile.id)
    accounts.resets.confirm(accounts.reset_token(ANNA), NEW)
    before = sign_in.login(ANNA, None, NEW)
    operators.grant(profile.id)
    with pytest.raises(Unauthenticated):
        sign_in.authenticate(before.access_token)
    assert (ANNA, "operator_granted") in accounts.notices()
    accounts.identity.set_active(profile.id, False)
    with pytest.raises(NotFound):
        operators.grant(profile.id)
    operators.revoke(profile.id)
    assert accounts.identity.account(ANNA).role == "buyer"


def test_a_secret_whose_key_was_retired_leaves_the_recovery_codes(anna: Operator, database: Database) -> None:
    database.execute("UPDATE identity.second_factors SET sealed = %(other)s", {"other": Vault("another").seal({})})
    anna.accounts.clock.move(minutes=1)
    with pytest.raises(InvalidCode):
        anna.log_in(anna.code())
    assert anna.log_in(anna.recovery_codes[0]).expires_in == 600
