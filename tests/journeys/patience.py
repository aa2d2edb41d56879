"""Waiting for what a real system does in its own time: until a condition holds, never for a span of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sandbox.process import wait_until

T = TypeVar("T")

#: Seconds; an idle machine needs a tenth of them.
LONGEST = 60.0


def until(look: Callable[[], T], good: Callable[[T], bool] = bool, seconds: float = LONGEST) -> T:
    """What `look` returns once it is good. Raises TimeoutError with what was seen last."""
    seen = look()

    def holds() -> bool:
        nonlocal seen
        seen = look()
        return good(seen)

    if good(seen) or wait_until(holds, seconds, every=0.1):
        return seen
    raise TimeoutError(f"after {seconds:g} s it is still {seen!r}")
