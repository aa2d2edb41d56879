"""Components that run a program: long-running servers and one-shot commands."""

import http.client
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sandbox.component import Component
from sandbox.errors import CannotStart
from sandbox.ports import LOOPBACK, require_free
from sandbox.process import Process, wait_until

READY_WITHIN = 60.0  # seconds
ONE_SHOT_TIMEOUT = 120.0  # seconds


def answers_readyz(port: int) -> Callable[[], bool]:
    """A readiness check: whether `GET /readyz` on this loopback port returns 200."""

    def ready() -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)  # urllib would use a configured proxy
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


class Program(Component):
    """A program that runs until it is stopped."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        ports: Mapping[str, int] | None = None,
        ready: Callable[[], bool] = lambda: True,
        stop_timeout: float = 3.0,
    ) -> None:
        """Configure the program; `start` starts it.

        Args:
            name: name in messages.
            argv: program and arguments.
            env: added to the environment of this process.
            cwd: working directory.
            log: file that its output is appended to.
            ports: ports it will listen on, by the setting that chooses the port; checked before the start.
            ready: readiness check; by default the program is ready at once.
            stop_timeout: seconds to wait for the program to stop before it is killed.
        """
        self.name, self.stop_timeout, self._ports, self._ready = name, stop_timeout, ports or {}, ready
        self._argv, self._env, self._cwd, self._log = list(argv), {**os.environ, **(env or {})}, cwd, log

    def check(self) -> None:
        """Check the ports. Raises CannotStart when one is in use."""
        for setting, port in self._ports.items():
            require_free(port, setting)

    def describe(self) -> Process:
        """The program's process."""
        return Process(self.name, self._argv, env=self._env, cwd=self._cwd, log=self._log)

    def wait_ready(self) -> None:
        """Wait until the program is ready. Raises CannotStart with the last output when it ended or took over 60 s."""
        self._current_process.wait_ready(self._ready, READY_WITHIN)


class OneShot(Program):
    """A command that must complete before the next stage starts."""

    long_running = False

    def wait_ready(self) -> None:
        """Wait until the command has completed. Raises CannotStart when it failed or took over 120 s."""
        completed = wait_until(lambda: not self.running, ONE_SHOT_TIMEOUT)
        self.kill()  # releases the resources of a completed process
        if not completed or self._current_process.exit_code != 0:
            raise CannotStart(self._current_process.with_last_output(f"{self.name} failed with {self.ending}"))
