"""Hashes, checks and judges passwords in a separate, small executor, so that many logins do not slow the rest."""

from __future__ import annotations

import base64
import os
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from services.errors import Unavailable
from services.identity.password_strength import normalized, require_strong

T = TypeVar("T")

#: Most callers that wait, besides those whose hashes are being computed.
MAX_WAITING = 32
#: Scheduling priority of the hashing threads, from 0 to 19 (lowest).
NICENESS = 19


@dataclass(frozen=True)
class Argon2Profile:
    """The cost of Argon2id: passes, memory in KiB, lanes. The defaults are those of argon2-cffi."""

    time_cost: int = 3
    memory_kib: int = 65536
    parallelism: int = 4


@dataclass(frozen=True)
class PasswordHash:
    """A PHC string and its parameters (`argon2id v=19 m=65536,t=3,p=4`)."""

    text: str
    parameters: str


class PasswordHasher:
    """Computes and checks password hashes, and judges new passwords (Argon2id, zxcvbn).

    At most 32 callers wait; further ones get Unavailable.
    """

    def __init__(self, profile: Argon2Profile | None = None, *, cores: int | None = None) -> None:
        """`cores`: CPU cores that hashing may use (default: all); a hash uses as many as it has lanes."""
        profile = profile or Argon2Profile()
        self._argon2 = argon2.PasswordHasher(
            time_cost=profile.time_cost, memory_cost=profile.memory_kib, parallelism=profile.parallelism
        )
        cores = cores or os.cpu_count() or 1
        at_once = max(1, cores // profile.parallelism)
        self._slots = threading.BoundedSemaphore(at_once + MAX_WAITING)
        self._executor = ThreadPoolExecutor(at_once, thread_name_prefix="argon2", initializer=_lower_priority)
        self._dummy_hash = _dummy_hash(profile)

    def require_strong(self, password: str, personal: Sequence[str], pointer: str = "/password") -> None:
        """Check a new password in the queue, because judging one takes up to 50 ms of Python.

        Raises PasswordTooWeak, Invalid at `pointer`, as `password_strength.require_strong`; Unavailable when the queue
        is full.
        """
        self._run(lambda: require_strong(password, personal, pointer))

    def hash(self, password: str) -> PasswordHash:
        """A new hash with a random salt. Raises Unavailable when the queue is full."""
        text = self._run(lambda: self._argon2.hash(normalized(password)))
        return PasswordHash(text, _parameters(text))

    def verify(self, hash_text: str | None, password: str) -> bool:
        """Whether the password matches. For an unknown account (None): False, after the same time as for a known one.

        Raises Unavailable when the queue is full.
        """
        return self._run(lambda: self._matches(hash_text or self._dummy_hash, normalized(password)))

    def is_outdated(self, hash_text: str) -> bool:
        """True when the hash has other parameters than the configured ones."""
        return self._argon2.check_needs_rehash(hash_text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Wait for running hashes and stop."""
        self._executor.shutdown()

    def _run(self, work: Callable[[], T]) -> T:
        if not self._slots.acquire(blocking=False):
            raise Unavailable("Too many people are signing in at this moment.", retry_after=2)
        try:
            return self._executor.submit(work).result()
        finally:
            self._slots.release()

    def _matches(self, hash_text: str, password: str) -> bool:
        try:
            return self._argon2.verify(hash_text, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def _dummy_hash(profile: Argon2Profile) -> str:
    # A valid hash that no password matches; checking it takes as long as checking a real one.
    cost = f"m={profile.memory_kib},t={profile.time_cost},p={profile.parallelism}"
    return f"$argon2id$v=19${cost}${_b64(secrets.token_bytes(16))}${_b64(secrets.token_bytes(32))}"


def _lower_priority() -> None:
    # On Linux the nice value belongs to a thread and the lanes of a hash inherit it: other threads run first.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _parameters(text: str) -> str:
    _, kind, version, cost, _, _ = text.split("$")
    return f"{kind} {version} {cost}"
