"""Verification codes: single use, five guesses, and the same answers for known and unknown identifiers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.db import Database
from services.errors import InvalidCode, MarketError, RateLimited, Unauthenticated
from services.identity.account_messages import AccountMessages
from services.identity.ownership import Ownership
from services.identity.send_limits import SendLimits
from services.identity.service import IdentityService
from services.identity.sign_in import SignIn
from services.identity.verification_codes import VerificationCodes
from services.identity.views import Profile
from services.rate_limiter import RateLimiter
from services.secrets import Vault
from tests.builders import an_sms_budget
from tests.fakes.clock import FakeClock
from tests.services.identity.doubles import KEY, PASSWORD, by_email, by_phone

ANNA, STRANGER = "anna@example.com", "stranger@example.com"
PHONE = "+79991234567"


@pytest.fixture
def anna(identity: IdentityService) -> Profile:
    return identity.register(by_email(ANNA))


def codes_sent_to(outbox: AccountMessages, to: str) -> list[str]:
    """Every code that is pending for an identifier, oldest first."""
    return [each.variables["code"] for each in outbox.pending(100) if each.to == to and "code" in each.variables]


def sent(codes: VerificationCodes, outbox: AccountMessages, to: str = ANNA) -> str:
    """Send a code and return it."""
    codes.send(*((to, None) if "@" in to else (None, to)))
    return codes_sent_to(outbox, to)[-1]


def wrong(code: str) -> str:
    """Another code."""
    return f"{(int(code) + 1) % 1_000_000:06}"


def test_T28_a_code_verifies_an_address(
    codes: VerificationCodes, outbox: AccountMessages, anna: Profile, identity: IdentityService
) -> None:
    code = sent(codes, outbox)
    assert len(code) == 6
    assert code.isdecimal()
    codes.confirm(ANNA, None, code)
    assert identity.profile(anna.id).email_verified


def test_a_code_verifies_a_phone_in_any_notation(
    codes: VerificationCodes, outbox: AccountMessages, identity: IdentityService
) -> None:
    mine = identity.register(by_phone(PHONE))
    codes.send(None, "8 (999) 123-45-67")
    (message,) = outbox.pending(10)
    assert (message.channel, message.to, message.template, message.language) == ("sms", PHONE, "verify_phone", "en")
    codes.confirm(None, "+7 999 1234567", message.variables["code"])
    assert identity.profile(mine.id).phone_verified


def test_T27_nothing_is_sent_to_an_unknown_or_verified_address(
    codes: VerificationCodes, outbox: AccountMessages, anna: Profile, clock: FakeClock
) -> None:
    codes.send(STRANGER, None)
    codes.confirm(ANNA, None, sent(codes, outbox))
    clock.move(seconds=61)
    codes.send(ANNA, None)
    to = [message.to for message in outbox.pending(10)]
    assert to == [None, ANNA, None]


@pytest.mark.parametrize("address", [ANNA, STRANGER])
def test_T10_limits_are_the_same_for_known_and_unknown_addresses(
    codes: VerificationCodes, anna: Profile, clock: FakeClock, address: str
) -> None:
    waits = []
    for _ in range(30):
        try:
            codes.send(address, None)
            waits.append(0)
        except RateLimited as error:
            waits.append(error.retry_after)
        clock.move(seconds=20)
    assert waits[:4] == [0, 40, 20, 0]
    assert Counter(bool(wait) for wait in waits)[False] == 3
    assert max(waits) > 600
    clock.move(hours=2)
    codes.send(address, None)


def test_T10_ten_codes_per_day(codes: VerificationCodes, anna: Profile, clock: FakeClock) -> None:
    taken = 0
    for _ in range(24):
        try:
            codes.send(ANNA, None)
            taken += 1
        except RateLimited:
            pass
        clock.move(minutes=20)
    assert taken == 13  # ten, and one more every 2.4 h


def test_T28_five_guesses_per_code(codes: VerificationCodes, outbox: AccountMessages, anna: Profile) -> None:
    code = sent(codes, outbox)
    for _ in range(5):
        with pytest.raises(InvalidCode):
            codes.confirm(ANNA, None, wrong(code))
    with pytest.raises(InvalidCode):
        codes.confirm(ANNA, None, code)


def test_T29_of_fifty_parallel_guesses_five_are_compared(
    codes: VerificationCodes, outbox: AccountMessages, anna: Profile, database: Database
) -> None:
    code = sent(codes, outbox)

    def guess(_: int) -> bool:
        try:
            codes.confirm(ANNA, None, wrong(code))
        except InvalidCode:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        assert not any(pool.map(guess, range(50)))
    with database.transaction() as tx:
        assert tx.fetch_column("SELECT attempts FROM identity.tokens") == [5]
    with pytest.raises(InvalidCode):
        codes.confirm(ANNA, None, code)


def test_T29_of_fifty_parallel_confirmations_one_succeeds(
    codes: VerificationCodes, outbox: AccountMessages, anna: Profile
) -> None:
    code = sent(codes, outbox)

    def confirm(_: int) -> bool:
        try:
            codes.confirm(ANNA, None, code)
        except InvalidCode:
            return False
        return True

    with ThreadPoolExecutor(50) as pool:
        assert Counter(pool.map(confirm, range(50)))[True] == 1


def _used_code(codes: VerificationCodes, outbox: AccountMessages, clock: FakeClock) -> tuple[str, str]:
    code = sent(codes, outbox)
    codes.confirm(ANNA, None, code)
    return ANNA, code


def _expired_code(codes: VerificationCodes, outbox: AccountMessages, clock: FakeClock) -> tuple[str, str]:
    code = sent(codes, outbox)
    clock.move(minutes=10, seconds=1)
    return ANNA, code


def _replaced_code(codes: VerificationCodes, outbox: AccountMessages, clock: FakeClock) -> tuple[str, str]:
    code = sent(codes, outbox)
    clock.move(seconds=61)
    while sent(codes, outbox) == code:
        clock.move(seconds=1201)
    return ANNA, code


def _code_of_another_address(codes: VerificationCodes, outbox: AccountMessages, clock: FakeClock) -> tuple[str, str]:
    return STRANGER, sent(codes, outbox)


def _code_with_seven_digits(codes: VerificationCodes, outbox: AccountMessages, clock: FakeClock) -> tuple[str, str]:
    return ANNA, sent(codes, outbox) + "0"


def _never_requested(codes: VerificationCodes, outbox: AccountMessages, clock: FakeClock) -> tuple[str, str]:
    return ANNA, "000000"


@pytest.mark.parametrize(
    "case",
    [_used_code, _expired_code, _replaced_code, _code_of_another_address, _code_with_seven_digits, _never_requested],
)
def test_T30_T32_one_answer_for_every_invalid_code(
    codes: VerificationCodes,
    outbox: AccountMessages,
    clock: FakeClock,
    anna: Profile,
    case: Callable[[VerificationCodes, AccountMessages, FakeClock], tuple[str, str]],
) -> None:
    address, code = case(codes, outbox, clock)
    with pytest.raises(InvalidCode) as caught:
        codes.confirm(address, None, code)
    assert caught.value.detail == "This code is invalid or has expired. Request a new one."


def test_T31_after_a_stranger_used_up_the_guesses_a_new_code_can_be_requested(
    codes: VerificationCodes,
    outbox: AccountMessages,
    anna: Profile,
    clock: FakeClock,
    identity: IdentityService,
    sign_in: SignIn,
) -> None:
    code = sent(codes, outbox)
    for _ in range(9):
        with pytest.raises(InvalidCode):
            codes.confirm(ANNA, None, wrong(code))
    sign_in.login(ANNA, None, PASSWORD)
    clock.move(seconds=61)
    codes.confirm(ANNA, None, sent(codes, outbox))
    assert identity.profile(anna.id).email_verified


def test_T07_a_confirmation_ends_every_other_session(
    codes: VerificationCodes, outbox: AccountMessages, anna: Profile, sign_in: SignIn
) -> None:
    squatter, mine = (sign_in.login(ANNA, None, PASSWORD).access_token for _ in range(2))
    codes.confirm(ANNA, None, sent(codes, outbox), sign_in.authenticate(mine))
    assert sign_in.authenticate(mine).user_id == anna.id
    with pytest.raises(Unauthenticated):
        sign_in.authenticate(squatter)


def test_codes_and_addresses_are_not_stored_in_clear_text(
    codes: VerificationCodes, outbox: AccountMessages, anna: Profile, database: Database
) -> None:
    code = sent(codes, outbox)
    with database.transaction() as tx:
        rows = tx.fetch_column("SELECT m::text FROM identity.messages m UNION ALL SELECT l::text FROM limits.strict l")
        written = " ".join(rows)
        hashes = tx.fetch_column("SELECT hash FROM identity.tokens")
    assert code not in written
    assert ANNA not in written
    assert all(len(bytes(each)) == 32 and code.encode() not in bytes(each) for each in hashes)


def test_F73_a_code_stays_valid_after_a_key_rotation(
    codes: VerificationCodes,
    outbox: AccountMessages,
    anna: Profile,
    database: Database,
    clock: FakeClock,
    identity: IdentityService,
) -> None:
    code = sent(codes, outbox)
    rotated = VerificationCodes(
        database.with_clock(clock), outbox, Ownership(outbox), codes._send_limits, f"{'n' * 32},{KEY}", "RU"
    )
    rotated.confirm(ANNA, None, code)
    assert identity.profile(anna.id).email_verified


def test_a_message_that_cannot_be_decrypted_does_not_block_others(
    codes: VerificationCodes, database: Database, clock: FakeClock, anna: Profile
) -> None:
    codes.send(ANNA, None)
    other = AccountMessages(database.with_clock(clock), Vault("z" * 32), RateLimiter(database, KEY, clock))
    (lost,) = other.pending(10)
    assert lost.to is None
    other.remove([lost.id])
    assert other.pending(10) == []


def test_the_hourly_budget_of_sms(database: Database, outbox: AccountMessages, clock: FakeClock) -> None:
    limits = SendLimits(RateLimiter(database, KEY, clock), an_sms_budget(database, clock, sms_per_hour=2))
    bounded = VerificationCodes(database.with_clock(clock), outbox, Ownership(outbox), limits, KEY, "RU")
    outcomes = []
    for number in range(4):
        try:
            bounded.send(None, f"+7999123450{number}")
            outcomes.append("sent")
        except MarketError as error:
            outcomes.append(error.code)
    bounded.send(ANNA, None)
    assert outcomes == ["sent", "sent", "rate-limited", "rate-limited"]
