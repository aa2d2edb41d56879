"""Waits until a condition holds in a running system; never for a fixed time."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sandbox.process import wait_until

T = TypeVar("T")

#: Seconds until a wait fails; an idle machine needs a tenth of them.
TIMEOUT = 60.0


def until(read: Callable[[], T], holds: Callable[[T], bool] = bool, timeout: float = TIMEOUT) -> T:
    """Read until the condition holds for the value; returns that value. Raises TimeoutError with the last value."""
    value = read()

    def read_again() -> bool:
        nonlocal value
        value = read()
        return holds(value)

    if holds(value) or wait_until(read_again, timeout, every=0.1):
        return value
    raise TimeoutError(f"after {timeout:g} s the value is still {value!r}")
