"""What every part of the stack can do, whatever it is: start, become ready, stop, be killed, and start again."""

import signal
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from sandbox.errors import CannotStart
from sandbox.process import Process


class Component(ABC):
    """One named part with at most one process at a time; also a context manager that starts and stops it."""

    name: str
    #: seconds it may take to stop before it is killed
    stop_timeout = 3.0
    #: whether its end is a death; False for an errand that runs to its end and is done
    long_running = True

    _process: Process | None = None

    @abstractmethod
    def check(self) -> None:
        """Return when nothing that can be seen beforehand stands in the way. Raises CannotStart."""

    @abstractmethod
    def describe(self) -> Process:
        """The process to start, with everything it needs made ready. Raises CannotStart."""

    def spawn(self) -> None:
        """The first half of `start`: return as soon as the process exists. Raises CannotStart."""
        if self._process is not None:
            if self._process.running:
                raise CannotStart(f"{self.name} runs already with pid {self._process.pid}.")
            self._process.kill()  # it is dead: this puts its remains away
        self.check()
        self._process = self.describe()
        self._process.spawn()

    @abstractmethod
    def wait_ready(self) -> None:
        """The second half of `start`: return when it can be used. Raises CannotStart, with its own last words."""

    def start(self) -> None:
        """Start it and return when it can be used.

        Raises:
            CannotStart: with a sentence that says why not.
        """
        self.spawn()
        self.wait_ready()

    def request_stop(self) -> None:
        """The first half of `stop`: return at once."""
        if self._process is not None:
            self._process.request_stop()

    def stop(self, within: float | None = None) -> None:
        """Ask it to end; SIGKILL after `within` seconds (its own patience when None)."""
        if self._process is not None:
            self._process.stop(self.stop_timeout if within is None else within)

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when it is gone."""
        if self._process is not None:
            self._process.kill()

    def send(self, number: signal.Signals) -> None:
        """Send its process a signal: SIGSTOP and SIGCONT make it hang and go on."""
        if self._process is not None:
            self._process.send(number)

    @property
    def pid(self) -> int:
        """Pid of its process. Raises ProcessLookupError when it does not run."""
        return self._current_process.pid

    @property
    def running(self) -> bool:
        """Whether its process runs now."""
        return self._process is not None and self._process.running

    @property
    def ending(self) -> str:
        """How its last process ended, in words: `exit code 1`, `SIGKILL`."""
        return self._current_process.ending

    def last_lines(self, count: int = 20) -> list[str]:
        """The last `count` lines it wrote, oldest first."""
        return self._process.last_lines(count) if self._process else []

    def exit_report(self) -> str:
        """How its last process ended, followed by that one's last words."""
        return self._current_process.quoted(f"{self.name} stopped with {self.ending}")

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
