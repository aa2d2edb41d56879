"""Performs the faults of a plan, and restarts every process that does not run, as a supervisor would."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx2

from sandbox.component import Component
from sandbox.errors import CannotStart
from sandbox.postgres import EmbeddedPostgres, processes_in
from tests.soak.plan import OPERATOR, Action, Kind
from tests.soak.run_clock import RunClock
from tests.soak.system import System

COMPONENTS = ("standins", "temporal", "postgres", "workers", "api")
#: Seconds that a delayed link takes longer for each chunk.
DELAY = 0.3
#: A process that does not start when another one is away is started again, so often.
STARTS = 5
CHECK_EVERY = 0.5


@dataclass
class Faults:
    """Performs faults; `running` keeps every process running that no fault has stopped."""

    system: System
    clock: RunClock
    report: Callable[[str], None]
    performed: Counter[str] = field(default_factory=Counter)
    #: processes that ended without a fault, or did not start again
    unexpected: list[str] = field(default_factory=list)
    _locks: dict[str, threading.Lock] = field(default_factory=lambda: {name: threading.Lock() for name in COMPONENTS})
    _ends: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Restart processes that ended during the block."""
        with ThreadPoolExecutor(1, "supervisor") as pool:
            watching = pool.submit(self._watch)
            try:
                yield
            finally:
                self._ends.set()
            watching.result()

    def perform(self, action: Action) -> None:
        """Begin a fault, wait for its duration, and end it."""
        assert action.kind not in OPERATOR
        self.performed[f"{action.kind} {action.target}"] += 1
        match action.kind:
            case Kind.OUTAGE:
                self._outage(action)
            case Kind.DELAY:
                self._delay(action)
            case Kind.CUT:
                with self.system.links[action.target].cut():
                    self.clock.wait(action.seconds)
            case _:
                with self._locks[action.target]:
                    self._to_process(action)

    def _to_process(self, action: Action) -> None:
        component = self.system.stack.component(action.target)
        if not component.running:
            return
        if action.kind is Kind.PAUSE:
            self._pause(component, action.seconds)
            return
        if action.kind is Kind.KILL:
            component.kill()
        else:
            component.stop()
        self.clock.wait(action.seconds)
        self._start(component)

    def _pause(self, component: Component, seconds: float) -> None:
        pids = [component.pid]
        if isinstance(component, EmbeddedPostgres):
            pids += [pid for pid in processes_in(component.cluster) if pid != component.pid]
        _send(pids, signal.SIGSTOP)
        try:
            self.clock.wait(seconds)
        finally:
            _send(pids, signal.SIGCONT)

    def _delay(self, action: Action) -> None:
        proxy = self.system.links[action.target]
        proxy.delay = DELAY
        try:
            self.clock.wait(action.seconds)
        finally:
            proxy.delay = 0.0

    def _outage(self, action: Action) -> None:
        outage = {"target": action.target, "seconds": action.seconds, "status": action.status}
        with suppress(httpx2.TransportError):  # the stand-ins are away, which is an outage too
            self.system.sandbox.post("/outage", json=outage).raise_for_status()

    def _start(self, component: Component) -> None:
        for _ in range(STARTS):
            try:
                component.start()
            except CannotStart as reason:
                self.report(str(reason))
                component.kill()
                self.clock.wait(1.0)
            else:
                return
        self.unexpected.append(f"{component.name} does not start again")

    def _watch(self) -> None:
        while not self._ends.wait(CHECK_EVERY):
            for name, lock in self._locks.items():
                if lock.acquire(blocking=False):
                    try:
                        self._restart_ended(self.system.stack.component(name))
                    finally:
                        lock.release()

    def _restart_ended(self, component: Component) -> None:
        if component.running:
            return
        self.performed[f"{component.name} ended"] += 1
        self.unexpected.append(component.exit_report())
        self.report(component.exit_report())
        self._start(component)


def perform_all(actions: Sequence[Action], clock: RunClock, perform: Callable[[Action], None]) -> None:
    """Perform each action at its time in a thread of its own, and wait for the last one. Raises RunStopped."""
    with ThreadPoolExecutor(max(1, len(actions)), "action") as pool, clock.stopped_by_errors():
        running = []
        for action in actions:
            clock.wait_until(action.at)
            running.append(pool.submit(perform, action))
        for each in running:
            each.result()


def _send(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
