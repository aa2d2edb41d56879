"""A run that is interrupted ends at once: no wait of a buyer or a fault keeps it from ending."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.soak.faults import perform_all
from tests.soak.plan import Action, Kind
from tests.soak.run_clock import RunClock, RunStopped


def test_an_interrupt_ends_every_wait() -> None:
    clock = RunClock()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(clock.wait, 600)
        with pytest.raises(KeyboardInterrupt), clock.stopped_by_errors():
            raise KeyboardInterrupt
        with pytest.raises(RunStopped):
            waiting.result(timeout=10)
    with pytest.raises(RunStopped):
        clock.wait_until(600)


def test_a_failed_action_ends_the_others() -> None:
    clock = RunClock()

    def perform(action: Action) -> None:
        if action.kind is Kind.KILL:
            raise AssertionError("failed")
        clock.wait(600)

    with pytest.raises(AssertionError, match="failed"):
        perform_all([Action(0.0, Kind.KILL), Action(0.0, Kind.PAUSE)], clock, perform)
