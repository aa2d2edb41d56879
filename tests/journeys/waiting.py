"""Waiting until a condition holds on a running system; never for a fixed time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sandbox.process import wait_until

T = TypeVar("T")

#: Seconds; an idle machine needs a tenth of them.
TIMEOUT = 60.0


def until(look: Callable[[], T], good: Callable[[T], bool] = bool, seconds: float = TIMEOUT) -> T:
    """Return what `look` returns once it is good. Raises TimeoutError with the last value."""
    seen = look()

    def holds() -> bool:
        nonlocal seen
        seen = look()
        return good(seen)

    if good(seen) or wait_until(holds, seconds, every=0.1):
        return seen
    raise TimeoutError(f"after {seconds:g} s it is still {seen!r}")
