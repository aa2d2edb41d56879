"""A running system on this machine, as one thing: for `python -m sandbox up`, the demo, tests and benchmarks."""

import os
import signal
from types import TracebackType
from typing import Self

from sandbox.addresses import ADDRESSES_FILE, Addresses, Secrets
from sandbox.component import Component
from sandbox.datadir import DataDir
from sandbox.layout import Layout
from sandbox.settings import StackSettings
from sandbox.supervisor import Supervisor


class Stack:
    """A context manager, or `start()` and `stop()`.

    Its parts: `postgres`, `temporal`, `stand_ins`, and `workers` with the API inside, or `workers` and `api` apart.
    """

    def __init__(self, settings: StackSettings) -> None:
        """Describe the stack; nothing runs and nothing is written yet."""
        self.settings = settings
        self._folder = DataDir(settings.data_dir)
        self._layout: Layout | None = None
        self._supervisor = Supervisor([])

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def start(self, name: str | None = None) -> None:
        """Start everything in order, or one part that does not run; returns when it is ready.

        Args:
            name: of the part; everything when None.

        Raises:
            CannotStart: with a sentence that says why not; `stop` puts away what a failed start left running.
        """
        if name is not None:
            self.component(name).start()
            return
        self._folder.lock()
        self._folder.remove(ADDRESSES_FILE)
        self._layout = Layout(self.settings, self._folder.path, Secrets.of(self._folder))
        self._supervisor = Supervisor(self._layout.stages())
        self._supervisor.start()
        self._folder.write(ADDRESSES_FILE, self.addresses.as_json())

    def stop(self, name: str | None = None) -> None:
        """Stop everything in the opposite order within 15 s, or one part; nothing happens to what does not run."""
        if name is not None:
            self.component(name).stop()
            return
        if self._folder.locked:
            self._folder.remove(ADDRESSES_FILE)
        self._supervisor.stop()
        self._folder.unlock()

    def watch(self) -> None:
        """Start again what dies, until interrupted. Raises CannotStart when a part dies too often."""
        self._supervisor.watch()

    def kill(self, name: str) -> None:
        """SIGKILL one part, as a crash would; returns when it is gone."""
        self.component(name).kill()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send one part a signal: SIGSTOP and SIGCONT make it hang and go on."""
        self.component(name).send(number)

    def pid(self, name: str) -> int:
        """Pid of one part. Raises ProcessLookupError when it does not run."""
        return self.component(name).pid

    def component(self, name: str) -> Component:
        """One part. Raises KeyError when there is none of this name, or the stack was not started."""
        return self._supervisor.components[name]

    @property
    def addresses(self) -> Addresses:
        """Where the parts answer. Raises RuntimeError before the start."""
        return self._plan.addresses

    @property
    def environment(self) -> dict[str, str]:
        """The whole environment of the application, to run `python -m services …` in. Raises RuntimeError as above."""
        return {**os.environ, **self._plan.environment}

    @property
    def _plan(self) -> Layout:
        if self._layout is None:
            raise RuntimeError("the stack was not started")
        return self._layout
