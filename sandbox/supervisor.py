"""Starts parts in order, starts a dead one again, stops them all in the opposite order."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from sandbox.component import Component
from sandbox.errors import CannotStart

RESTARTS = 3
WINDOW = 60.0  # seconds
STOP_WITHIN = 13.5  # seconds for all parts together
LOOK_EVERY = 0.1  # seconds


def say(line: str) -> None:
    """Print at once, also into a pipe."""
    print(line, flush=True)


class Supervisor:
    """Parts in stages: those of one stage start side by side, the next stage when all of them are ready."""

    def __init__(
        self, stages: Sequence[Sequence[Component]], *, window: float = WINDOW, tell: Callable[[str], None] = say
    ) -> None:
        """Take the parts over; nothing runs yet.

        Args:
            stages: the parts in the order in which to start them.
            window: seconds in which a part may die three times; the fourth death ends everything.
            tell: where the lines for the person at the terminal go.
        """
        self._stages, self._window, self._tell = stages, window, tell
        self._deaths: dict[str, deque[float]] = defaultdict(deque)

    @property
    def components(self) -> dict[str, Component]:
        """All parts by name, in the order of their start."""
        return {component.name: component for stage in self._stages for component in stage}

    def start(self) -> None:
        """Start every stage and wait until it is ready.

        Raises:
            CannotStart: when a part cannot; those already started still run, call `stop`.
        """
        for component in self.components.values():
            component.check()  # a port in use is said before anything runs
        for stage in self._stages:
            for component in stage:
                component.spawn()
            for component in stage:
                component.wait_ready()

    def watch(self) -> None:
        """Start again what dies, until interrupted.

        Raises:
            CannotStart: when a part died more than three times within the window; the others still run, call `stop`.
        """
        while True:
            for component in self.components.values():
                if component.long_running and not component.running:
                    self._restart(component)
            time.sleep(LOOK_EVERY)

    def stop(self, within: float = STOP_WITHIN) -> None:
        """Stop the stages, the last started first; what still runs after its share of `within` seconds is killed."""
        deadline = time.monotonic() + within
        for stage in reversed(self._stages):
            for component in stage:
                component.request_stop()
            for component in stage:
                component.stop(max(0.0, min(component.stop_timeout, deadline - time.monotonic())))

    def _restart(self, component: Component) -> None:
        count = self._count_death(component)
        if count > RESTARTS:
            raise CannotStart(
                f"{component.exit_report()}\n{component.name} died {count} times in {self._window:g} s: stopping all."
            )
        self._tell(component.exit_report())
        self._tell(f"starting {component.name} again ({count} of {RESTARTS} in {self._window:g} s)")
        try:
            component.start()
        except CannotStart as error:
            self._tell(str(error))  # it counts as the next death
        else:
            self._tell(f"{component.name} is back with pid {component.pid}")

    def _count_death(self, component: Component) -> int:
        now, deaths = time.monotonic(), self._deaths[component.name]
        deaths.append(now)
        while deaths[0] < now - self._window:
            deaths.popleft()
        return len(deaths)
