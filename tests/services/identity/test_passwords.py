"""Hashing: bounded, in threads of its own, and the same work for known and unknown accounts."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from services.errors import Invalid, PasswordTooWeak, Unavailable
from services.identity.password_strength import require_strong
from services.identity.passwords import MAX_WAITING, Argon2Profile, PasswordHasher
from tests.services.identity.doubles import PASSWORD

CHEAP = Argon2Profile(1, 8, 1)


def test_a_hash_fits_its_own_password_only(passwords: PasswordHasher) -> None:
    made = passwords.hash(PASSWORD)
    assert made.parameters == "argon2id v=19 m=8,t=1,p=1"
    assert passwords.verify(made.text, PASSWORD) is True
    assert passwords.verify(made.text, PASSWORD + " ") is False
    assert passwords.verify("not a hash", PASSWORD) is False
    assert passwords.verify(None, PASSWORD) is False
    assert passwords.verify(made.text, "\ud800") is False
    assert passwords.hash(PASSWORD).text != made.text


def test_two_spellings_of_one_letter_are_one_password(passwords: PasswordHasher) -> None:
    assert passwords.verify(passwords.hash("Ёжик-в-тумане-77").text, "Е\u0308жик-в-тумане-77") is True


def test_T12_an_unknown_account_costs_as_much_as_a_known_one() -> None:
    with PasswordHasher(Argon2Profile(4, 32768, 1)) as hasher:
        known = hasher.hash(PASSWORD).text
        unknown = min(_seconds(hasher, None) for _ in range(3))
        assert unknown > 0.5 * min(_seconds(hasher, known) for _ in range(3))


def test_T16_beyond_the_queue_callers_are_turned_away_at_once() -> None:
    with PasswordHasher(Argon2Profile(6, 65536, 1), cores=1) as hasher:
        turned_away = []

        def verify(_: int) -> str:
            begun = time.monotonic()
            try:
                hasher.verify(None, PASSWORD)
            except Unavailable as error:
                turned_away.append(time.monotonic() - begun)
                return error.code
            return "checked"

        with ThreadPoolExecutor(MAX_WAITING + 21) as pool:
            outcomes = list(pool.map(verify, range(MAX_WAITING + 21)))
        assert outcomes.count("checked") >= MAX_WAITING + 1
        assert outcomes.count("service-unavailable") == len(turned_away) > 0
        assert sorted(turned_away)[len(turned_away) // 2] < 0.1


def test_T16_no_more_hash_at_once_than_there_are_cores() -> None:
    before = _hashing_threads()
    with PasswordHasher(CHEAP, cores=3) as hasher, ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: hasher.hash(PASSWORD), range(30)))
        assert 1 <= len(_hashing_threads() - before) <= 3


def test_room_is_given_back_after_failures(passwords: PasswordHasher) -> None:
    for _ in range(MAX_WAITING + 10):
        assert passwords.verify("not a hash", PASSWORD) is False


def test_outdated_parameters_are_seen(passwords: PasswordHasher) -> None:
    made = passwords.hash(PASSWORD).text
    assert passwords.is_outdated(made) is False
    with PasswordHasher(Argon2Profile(2, 8, 1)) as stronger:
        assert stronger.is_outdated(made) is True


@pytest.mark.parametrize(
    "weak",
    [
        "kT9#vLq2!xW",
        "password1234",
        "Qwerty123456",
        "aaaaaaaaaaaaaaaa",
        "парольпароль",
        "gfhjkmgfhjkm",
        "йцукенгшщзхъ",
        "Солнышкомоё1",
        "solnyshko2010",
        "lyubovnatasha1",
        "zenitspartak",
        "AnnaPetrova1",
        "анна@example",
    ],
)
def test_T04_weak(weak: str) -> None:
    with pytest.raises(PasswordTooWeak):
        require_strong(weak, ["Anna", "Petrova", "анна@example.com"])


@pytest.mark.parametrize(
    "strong",
    [PASSWORD, "correct horse battery staple", "Тихая-гавань-у-реки-42", "kT9#vLq2!xWz", "🦊🐢🐙🦉🐝🐳🦔🐞🦀🐌🦋🐿"],
)
def test_T04_strong(strong: str) -> None:
    require_strong(strong, ["Anna", "Petrova", "anna@example.com"])


@pytest.mark.parametrize("password", ["x" * 129, "x" * 1_048_576, "Sturdy-otter-77\0lamp", "Sturdy-otter-77\ud800"])
def test_T05_what_cannot_be_a_password(password: str) -> None:
    begun = time.monotonic()
    with pytest.raises(Invalid) as refused:
        require_strong(password, [])
    assert refused.value.code == "validation-error"
    assert time.monotonic() - begun < 0.05


def _hashing_threads() -> set[int | None]:
    return {thread.ident for thread in threading.enumerate() if thread.name.startswith("argon2")}


def _seconds(hasher: PasswordHasher, known: str | None) -> float:
    begun = time.process_time()
    hasher.verify(known, "wrong-Password-1")
    return time.process_time() - begun
