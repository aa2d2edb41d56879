"""A child process: started in its own session, killed when this process exits, with access to its last output."""

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from pathlib import Path
from typing import IO

from sandbox.errors import CannotStart
from sandbox.parent import Identity, bound_argv

LAST_OUTPUT_BYTES = 16_384


@cache
def _launcher() -> ThreadPoolExecutor:
    # The kernel's "parent" is the thread that forked. This thread lives as long as the process.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-launcher")


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Wait until `condition` is true; returns False when it is not within `seconds`. Checks `every` some seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True


class Process:
    """A child process that is started once."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        log: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        death_signal: signal.Signals = signal.SIGKILL,
        identity: Identity = Identity.SAME,
    ) -> None:
        """Configure the process; `spawn` starts it.

        Args:
            name: name in messages.
            argv: program and arguments.
            env: complete environment; that of this process when None.
            cwd: working directory.
            log: file that its output is appended to (mode 0600); an anonymous temporary file when None.
            stop_signal: signal that requests a graceful stop.
            death_signal: signal that the kernel sends it when this process exits, also by SIGKILL (Linux).
            identity: user that it runs as.
        """
        self.name = name
        self._argv, self._env, self._cwd, self._log = list(argv), env, cwd, log
        self._stop_signal, self._death_signal, self._identity = stop_signal, death_signal, identity
        self._child: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._last_output = ""
        self._stop_requested = False

    def spawn(self) -> None:
        """Start the process and return."""
        self._output = self._open_output()
        started = _launcher().submit(self._launch, self._output)
        try:
            started.result()
        except KeyboardInterrupt:
            wait([started])  # otherwise a process that was just created would not be stopped
            raise

    def _launch(self, output: IO[bytes]) -> None:
        self._child = subprocess.Popen(
            bound_argv(self._argv, self._death_signal, self._identity),
            env=self._env,
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal reaches this process only, which then stops it
        )

    def _open_output(self) -> IO[bytes]:
        if self._log is None:
            return tempfile.TemporaryFile()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(self._log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b", buffering=0)

    @property
    def pid(self) -> int:
        """Pid of the process. Raises ProcessLookupError when it is not running."""
        if self._child is None or self._child.poll() is not None:
            raise ProcessLookupError(f"{self.name} is not running")
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code, negative for a signal; None while it runs and before it was started."""
        return None if self._child is None else self._child.poll()

    @property
    def ending(self) -> str:
        """How the process ended: `exit code 1`, `SIGKILL`."""
        code = self.exit_code
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._child is not None and self._child.poll() is None

    def last_lines(self, count: int = 20) -> list[str]:
        """The last `count` lines of its output, oldest first."""
        if self._output is not None:
            size = os.fstat(self._output.fileno()).st_size
            start = max(0, size - LAST_OUTPUT_BYTES)
            # pread: the child shares the file offset, and a seek would change where it writes
            self._last_output = os.pread(self._output.fileno(), size - start, start).decode(errors="replace")
        return self._last_output.splitlines()[-count:]

    def with_last_output(self, sentence: str) -> str:
        """The sentence, followed by the last output of the process, if any."""
        lines = self.last_lines()
        return "\n    ".join([f"{sentence}. Last output:", *lines]) if lines else f"{sentence}."

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait until `ready()` is true.

        Raises:
            CannotStart: when the process ended first, or was not ready within `seconds` (then it is killed).
        """
        if wait_until(lambda: not self.running or ready(), seconds) and self.running:
            return
        outcome = f"ended with {self.ending}" if not self.running else f"was not ready within {seconds:g} s"
        self.kill()
        raise CannotStart(self.with_last_output(f"{self.name} {outcome}"))

    def request_stop(self) -> None:
        """Send the stop signal, once, and return."""
        if not self._stop_requested:
            self._stop_requested = True
            self.send(self._stop_signal)

    def stop(self, within: float) -> None:
        """Send the stop signal, wait up to `within` seconds, then send SIGKILL; does nothing when it is not running."""
        self.request_stop()
        if wait_until(lambda: not self.running, within):
            self._close()
        else:
            self.kill()

    def send(self, number: signal.Signals) -> None:
        """Send a signal; does nothing when the process is not running."""
        if self._child is not None:
            self._child.send_signal(number)

    def kill(self) -> None:
        """Send SIGKILL and wait for the exit; does nothing when the process is not running."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._close()

    def _close(self) -> None:
        self.last_lines()  # keeps the last output before the file is closed
        if self._output is not None:
            self._output.close()
            self._output = None
