"""The base class of the stack's components: start, wait until ready, stop, kill and restart one process."""

import signal
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from sandbox.errors import CannotStart
from sandbox.process import Process


class Component(ABC):
    """A named component with at most one process; as a context manager it starts and stops the process."""

    name: str
    #: seconds to wait for the process to stop before it is killed
    stop_timeout = 3.0
    #: whether the process is expected to run until it is stopped; False for a OneShot
    long_running = True

    _process: Process | None = None

    @abstractmethod
    def check(self) -> None:
        """Check the preconditions of a start. Raises CannotStart when one is not met."""

    @abstractmethod
    def describe(self) -> Process:
        """Prepare the start and return the process to start. Raises CannotStart."""

    def spawn(self) -> None:
        """First half of `start`: create the process and return. Raises CannotStart."""
        if self._process is not None:
            if self._process.running:
                raise CannotStart(f"{self.name} is already running with pid {self._process.pid}.")
            self._process.kill()  # it has exited: this releases its resources
        self.check()
        self._process = self.describe()
        self._process.spawn()

    @abstractmethod
    def wait_ready(self) -> None:
        """Second half of `start`: wait until the component is ready. Raises CannotStart with the last output."""

    def start(self) -> None:
        """Start the process and wait until the component is ready.

        Raises:
            CannotStart: with the reason.
        """
        self.spawn()
        self.wait_ready()

    def request_stop(self) -> None:
        """First half of `stop`: send the stop signal and return."""
        if self._process is not None:
            self._process.request_stop()

    def stop(self, within: float | None = None) -> None:
        """Send the stop signal; SIGKILL after `within` seconds (`stop_timeout` when None)."""
        if self._process is not None:
            self._process.stop(self.stop_timeout if within is None else within)

    def kill(self) -> None:
        """Send SIGKILL to simulate a crash; returns when the process has exited."""
        if self._process is not None:
            self._process.kill()

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, for example SIGSTOP or SIGCONT to pause or resume it."""
        if self._process is not None:
            self._process.send(number)

    @property
    def pid(self) -> int:
        """Pid of the process. Raises ProcessLookupError when it is not running."""
        return self._current_process.pid

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process is not None and self._process.running

    @property
    def ending(self) -> str:
        """How the last process ended: `exit code 1`, `SIGKILL`."""
        return self._current_process.ending

    def last_lines(self, count: int = 20) -> list[str]:
        """The last `count` lines of its output, oldest first."""
        return self._process.last_lines(count) if self._process else []

    def exit_report(self) -> str:
        """How the last process ended, followed by its last output."""
        return self._current_process.with_last_output(f"{self.name} stopped with {self.ending}")

    @property
    def _current_process(self) -> Process:
        if self._process is None:
            raise ProcessLookupError(f"{self.name} was not started")
        return self._process

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
