"""PasswordHasher: Argon2id in a small executor of its own, so that a login storm slows nothing else."""

from __future__ import annotations

import base64
import os
import secrets
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from services.errors import Unavailable
from services.identity.password_strength import normalized

T = TypeVar("T")

#: Callers that may wait for a hash beyond those being made.
MAX_WAITING = 32
#: How far hashing stands back behind everything else on the machine, from 0 to 19.
NICENESS = 19


@dataclass(frozen=True)
class Argon2Profile:
    """Argon2id's cost: passes, memory in KiB, lanes; the default is argon2-cffi's own profile."""

    time_cost: int = 3
    memory_kib: int = 65536
    parallelism: int = 4


@dataclass(frozen=True)
class PasswordHash:
    """A PHC string, and the parameters it was made with (`argon2id v=19 m=65536,t=3,p=4`)."""

    text: str
    parameters: str


class PasswordHasher:
    """Makes and checks password hashes; callers wait, at most 32 of them, and the next is turned away."""

    def __init__(self, profile: Argon2Profile | None = None, *, cores: int | None = None) -> None:
        """`cores`: how many the hashing may keep busy (default: all; a hash of several lanes keeps several busy)."""
        profile = profile or Argon2Profile()
        self._argon2 = argon2.PasswordHasher(
            time_cost=profile.time_cost, memory_cost=profile.memory_kib, parallelism=profile.parallelism
        )
        cores = cores or os.cpu_count() or 1
        at_once = max(1, cores // profile.parallelism)
        self._room = threading.BoundedSemaphore(at_once + MAX_WAITING)
        self._executor = ThreadPoolExecutor(at_once, thread_name_prefix="argon2", initializer=_stand_back)
        self._nobody = self._dummy(profile)

    def hash(self, password: str) -> PasswordHash:
        """A new hash with a fresh salt. Raises Unavailable when too many wait already."""
        text = self._run(lambda: self._argon2.hash(normalized(password)))
        return PasswordHash(text, _parameters(text))

    def verify(self, hash_text: str | None, password: str) -> bool:
        """Whether the password fits; for an unknown account (None) as slow as for a known one, and False.

        Raises Unavailable when too many wait already.
        """
        return self._run(lambda: self._fits(hash_text or self._nobody, normalized(password)))

    def is_outdated(self, hash_text: str) -> bool:
        """True when the hash was made with other parameters than today's."""
        return self._argon2.check_needs_rehash(hash_text)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Wait for the hashes being made and stop."""
        self._executor.shutdown()

    def _run(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise Unavailable("Too many people are signing in at this moment.", retry_after=2)
        try:
            return self._executor.submit(work).result()
        finally:
            self._room.release()

    def _fits(self, hash_text: str, password: str) -> bool:
        try:
            return self._argon2.verify(hash_text, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False

    def _dummy(self, profile: Argon2Profile) -> str:
        # A well-formed hash of nothing known: checking it costs what checking a real one costs.
        cost = f"m={profile.memory_kib},t={profile.time_cost},p={profile.parallelism}"
        return f"$argon2id$v=19${cost}${_b64(secrets.token_bytes(16))}${_b64(secrets.token_bytes(32))}"


def _stand_back() -> None:
    # On Linux niceness belongs to a thread, and a hash's lanes inherit it: whoever asks for anything else goes first.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode().rstrip("=")


def _parameters(text: str) -> str:
    _, kind, version, cost, _, _ = text.split("$")
    return f"{kind} {version} {cost}"
