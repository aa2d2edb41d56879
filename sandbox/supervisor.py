"""Starts components in order, restarts failed ones, and stops all in reverse order."""

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence

from sandbox.component import Component
from sandbox.errors import CannotStart

RESTARTS = 3
WINDOW = 60.0  # seconds
STOP_WITHIN = 13.5  # seconds for all components together
CHECK_INTERVAL = 0.1  # seconds


def print_line(line: str) -> None:
    """Print a line and flush, so that it also appears in a pipe."""
    print(line, flush=True)


class Supervisor:
    """Runs components in stages: those of a stage start in parallel, the next stage starts when all are ready."""

    def __init__(
        self,
        stages: Sequence[Sequence[Component]],
        *,
        window: float = WINDOW,
        report: Callable[[str], None] = print_line,
    ) -> None:
        """Set the components; `start` starts them.

        Args:
            stages: components in their start order.
            window: seconds in which a component may fail three times; the fourth failure stops the supervisor.
            report: receives the lines for the terminal.
        """
        self._stages, self._window, self._report = stages, window, report
        self._failures: dict[str, deque[float]] = defaultdict(deque)

    @property
    def components(self) -> dict[str, Component]:
        """All components by name, in start order."""
        return {component.name: component for stage in self._stages for component in stage}

    def start(self) -> None:
        """Start each stage and wait until it is ready.

        Raises:
            CannotStart: when a component fails; those already started keep running, call `stop`.
        """
        for component in self.components.values():
            component.check()  # before the first start, so that a port in use is reported early
        for stage in self._stages:
            for component in stage:
                component.spawn()
            for component in stage:
                component.wait_ready()

    def watch(self) -> None:
        """Restart failed components until interrupted.

        Raises:
            CannotStart: when a component failed more than three times within the window; call `stop` for the others.
        """
        while True:
            for component in self.components.values():
                if component.long_running and not component.running:
                    self._restart(component)
            time.sleep(CHECK_INTERVAL)

    def stop(self, within: float = STOP_WITHIN) -> None:
        """Stop the stages in reverse order; components that still run after `within` seconds in total are killed."""
        deadline = time.monotonic() + within
        for stage in reversed(self._stages):
            for component in stage:
                component.request_stop()
            for component in stage:
                component.stop(max(0.0, min(component.stop_timeout, deadline - time.monotonic())))

    def _restart(self, component: Component) -> None:
        count = self._count_failure(component)
        if count > RESTARTS:
            times = f"{component.name} failed {count} times in {self._window:g} s"
            raise CannotStart(f"{component.exit_report()}\n{times}: stopping all components.")
        self._report(component.exit_report())
        self._report(f"restarting {component.name} ({count} of {RESTARTS} in {self._window:g} s)")
        try:
            component.start()
        except CannotStart as error:
            self._report(str(error))  # it counts as another failure
        else:
            self._report(f"{component.name} is running again with pid {component.pid}")

    def _count_failure(self, component: Component) -> int:
        now, failures = time.monotonic(), self._failures[component.name]
        failures.append(now)
        while failures[0] < now - self._window:
            failures.popleft()
        return len(failures)
