"""Password hashing: a bounded queue, and the same time for known and unknown accounts."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.errors import Unavailable
from services.identity.passwords import MAX_WAITING, Argon2Profile, PasswordHasher
from tests.services.identity.doubles import PASSWORD

CHEAP = Argon2Profile(1, 8, 1)


def test_a_hash_matches_only_its_password(passwords: PasswordHasher) -> None:
    made = passwords.hash(PASSWORD)
    assert made.parameters == "argon2id v=19 m=8,t=1,p=1"
    assert passwords.verify(made.text, PASSWORD) is True
    assert passwords.verify(made.text, PASSWORD + " ") is False
    assert passwords.verify("not a hash", PASSWORD) is False
    assert passwords.verify(None, PASSWORD) is False
    assert passwords.verify(made.text, "\ud800") is False
    assert passwords.hash(PASSWORD).text != made.text


def test_unicode_forms_of_one_password_are_equal(passwords: PasswordHasher) -> None:
    assert passwords.verify(passwords.hash("Ёжик-в-тумане-77").text, "Е\u0308жик-в-тумане-77") is True


def test_T12_an_unknown_account_takes_as_long_as_a_known_one() -> None:
    with PasswordHasher(Argon2Profile(4, 32768, 1)) as hasher:
        known = hasher.hash(PASSWORD).text
        unknown = min(_seconds(hasher, None) for _ in range(3))
        assert unknown > 0.5 * min(_seconds(hasher, known) for _ in range(3))


def test_T16_callers_beyond_the_queue_are_refused_at_once() -> None:
    with PasswordHasher(Argon2Profile(6, 65536, 1), cores=1) as hasher:
        refused_after = []

        def verify(_: int) -> str:
            begun = time.monotonic()
            try:
                hasher.verify(None, PASSWORD)
            except Unavailable as error:
                refused_after.append(time.monotonic() - begun)
                return error.code
            return "checked"

        with ThreadPoolExecutor(MAX_WAITING + 21) as pool:
            outcomes = list(pool.map(verify, range(MAX_WAITING + 21)))
        assert outcomes.count("checked") >= MAX_WAITING + 1
        assert outcomes.count("service-unavailable") == len(refused_after) > 0
        assert sorted(refused_after)[len(refused_after) // 2] < 0.1


def test_T147_passwords_are_judged_in_the_queue(passwords: PasswordHasher) -> None:
    held = [passwords._slots.acquire(blocking=False) for _ in range(1_000)]
    with pytest.raises(Unavailable):
        passwords.require_strong(PASSWORD, [])
    for _ in range(held.count(True)):
        passwords._slots.release()
    passwords.require_strong(PASSWORD, [])


def test_T16_at_most_one_hash_per_core_at_a_time() -> None:
    before = _hashing_threads()
    with PasswordHasher(CHEAP, cores=3) as hasher, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: hasher.hash(PASSWORD), range(30)))
        assert 1 <= len(_hashing_threads() - before) <= 3


def test_queue_slots_are_released_after_failures(passwords: PasswordHasher) -> None:
    for _ in range(MAX_WAITING + 10):
        assert passwords.verify("not a hash", PASSWORD) is False


def test_outdated_parameters_are_detected(passwords: PasswordHasher) -> None:
    made = passwords.hash(PASSWORD).text
    assert passwords.is_outdated(made) is False
    with PasswordHasher(Argon2Profile(2, 8, 1)) as stronger:
        assert stronger.is_outdated(made) is True


def _hashing_threads() -> set[int | None]:
    return {thread.ident for thread in threading.enumerate() if thread.name.startswith("argon2")}


def _seconds(hasher: PasswordHasher, known: str | None) -> float:
    begun = time.process_time()
    hasher.verify(known, "wrong-Password-1")
    return time.process_time() - begun
