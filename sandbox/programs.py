"""Parts that are plain programs: one that lasts and says when it is ready, and one that runs an errand and ends."""

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
    """A check: does `GET /readyz` on this loopback port answer 200 now?"""

    def ready() -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)  # urllib would ask the proxy
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


class Program(Component):
    """A program that lasts."""

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
        """Describe it; nothing runs yet.

        Args:
            name: what people call it.
            argv: program and arguments.
            env: added to our own environment.
            cwd: where it runs.
            log: file its output is appended to.
            ports: what it will listen on, by the setting that chooses the port; checked before it starts.
            ready: whether it can be used now; at once, when nothing is said.
            patience: seconds it may take to stop before it is killed.
        """
        self.name, self.stop_timeout, self._ports, self._ready = name, stop_timeout, ports or {}, ready
        self._argv, self._env, self._cwd, self._log = list(argv), {**os.environ, **(env or {})}, cwd, log

    def check(self) -> None:
        """Look at its ports. Raises CannotStart when one is in use."""
        for setting, port in self._ports.items():
            require_free(port, setting)

    def describe(self) -> Process:
        """The program's process."""
        return Process(self.name, self._argv, env=self._env, cwd=self._cwd, log=self._log)

    def wait_ready(self) -> None:
        """Return when it is ready. Raises CannotStart with its last words when it ended or took over 60 s."""
        self._current_process.wait_ready(self._ready, READY_WITHIN)


class OneShot(Program):
    """A program that has something to do before others may start, and ends."""

    long_running = False

    def wait_ready(self) -> None:
        """Return when it has done its errand. Raises CannotStart when it failed or took over 120 s."""
        done = wait_until(lambda: not self.running, ONE_SHOT_TIMEOUT)
        self.kill()  # puts the remains away when it is done
        if not done or self._current_process.exit_code != 0:
            raise CannotStart(self._current_process.quoted(f"{self.name} failed with {self.ending}"))
