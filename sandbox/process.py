"""One child process: started in a session of its own, bound to our life, waited for, stopped, its last words kept."""

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

LAST_WORDS_BYTES = 16_384


@cache
def _launcher() -> ThreadPoolExecutor:
    # The kernel's "parent" is the thread that forked: this one lives as long as the process, whoever asks it to start.
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-launcher")


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """True as soon as `condition` holds, False when it did not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every)
    return True


class Process:
    """A child of ours, started once."""

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
        """Describe the child; nothing runs yet.

        Args:
            name: what people call it.
            argv: program and arguments.
            env: its whole environment; ours when None.
            cwd: where it runs.
            log: file its output is appended to (mode 0600); a nameless temporary file when None.
            stop_signal: the polite request to end.
            death_signal: what it gets from the kernel when we die, also by SIGKILL (Linux).
            identity: as whom it runs.
        """
        self.name = name
        self._argv, self._env, self._cwd, self._log = list(argv), env, cwd, log
        self._stop_signal, self._death_signal, self._identity = stop_signal, death_signal, identity
        self._child: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] | None = None
        self._last_words = ""
        self._asked = False

    def spawn(self) -> None:
        """Start it and return at once."""
        self._output = self._open_output()
        started = _launcher().submit(self._launch, self._output)
        try:
            started.result()
        except KeyboardInterrupt:
            wait([started])  # or we would lose sight of a child just born
            raise

    def _launch(self, output: IO[bytes]) -> None:
        self._child = subprocess.Popen(
            bound_argv(self._argv, self._death_signal, self._identity),
            env=self._env,
            cwd=self._cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C in the terminal is for us, who stop them in order
        )

    def _open_output(self) -> IO[bytes]:
        if self._log is None:
            return tempfile.TemporaryFile()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        return os.fdopen(os.open(self._log, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b", buffering=0)

    @property
    def pid(self) -> int:
        """Pid of the child. Raises ProcessLookupError when it does not run."""
        if self._child is None or self._child.poll() is not None:
            raise ProcessLookupError(f"{self.name} is not running")
        return self._child.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended (negative: by that signal), None while it runs or before it was started."""
        return None if self._child is None else self._child.poll()

    @property
    def ending(self) -> str:
        """The end in words: `exit code 1`, `SIGKILL`."""
        code = self.exit_code
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self._child is not None and self._child.poll() is None

    def last_lines(self, count: int = 20) -> list[str]:
        """The last `count` lines it wrote, oldest first."""
        if self._output is not None:
            size = os.fstat(self._output.fileno()).st_size
            start = max(0, size - LAST_WORDS_BYTES)
            # pread: the child shares our file offset, a seek would move where it writes
            self._last_words = os.pread(self._output.fileno(), size - start, start).decode(errors="replace")
        return self._last_words.splitlines()[-count:]

    def quoted(self, sentence: str) -> str:
        """The sentence, followed by the child's last words if it said anything."""
        words = self.last_lines()
        return "\n    ".join([f"{sentence}. Its last words:", *words]) if words else f"{sentence}."

    def wait_ready(self, ready: Callable[[], bool], seconds: float) -> None:
        """Return when `ready()` holds.

        Raises:
            CannotStart: when the child ended first, or was not ready within `seconds` (it is killed then).
        """
        if wait_until(lambda: not self.running or ready(), seconds) and self.running:
            return
        outcome = f"ended with {self.ending}" if not self.running else f"was not ready within {seconds:g} s"
        self.kill()
        raise CannotStart(self.quoted(f"{self.name} {outcome}"))

    def request_stop(self) -> None:
        """Send the polite signal, once, and return at once."""
        if not self._asked:
            self._asked = True
            self.send(self._stop_signal)

    def stop(self, within: float) -> None:
        """Ask it to end and wait up to `within` seconds, then SIGKILL; nothing happens when it does not run."""
        self.request_stop()
        if wait_until(lambda: not self.running, within):
            self._close()
        else:
            self.kill()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; nothing happens when it does not run."""
        if self._child is not None:
            self._child.send_signal(number)

    def kill(self) -> None:
        """SIGKILL and wait for the end; nothing happens when it does not run."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        self._close()

    def _close(self) -> None:
        self.last_lines()  # read while they can be
        if self._output is not None:
            self._output.close()
            self._output = None
