"""The whole system on this machine, used by `python -m sandbox up`, the demo, tests and benchmarks."""

import os
import signal
from types import TracebackType
from typing import Self

from sandbox.accounts import ReadyAccounts
from sandbox.addresses import ADDRESSES_FILE, Addresses, Secrets
from sandbox.component import Component
from sandbox.datadir import DataDir
from sandbox.layout import Layout
from sandbox.settings import StackSettings
from sandbox.supervisor import Supervisor


class Stack:
    """Starts and stops the system; a context manager.

    Components: `postgres`, `temporal`, `standins` and `workers`, and with `separate` also `api`, which otherwise runs
    in the process of the workers.
    """

    def __init__(self, settings: StackSettings) -> None:
        """Configure the stack; nothing is started or written yet."""
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
        """Start all components in order, or one that is not running; returns when it is ready.

        Args:
            name: name of the component; all when None.

        Raises:
            CannotStart: with the reason; call `stop` to stop the components that already run.
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
        """Stop all components in reverse order within 15 s, or one; components that are not running are skipped."""
        if name is not None:
            self.component(name).stop()
            return
        if self._folder.locked:
            self._folder.remove(ADDRESSES_FILE)
        self._supervisor.stop()
        self._folder.unlock()

    def watch(self) -> None:
        """Restart failed components until interrupted. Raises CannotStart when one fails too often."""
        self._supervisor.watch()

    def kill(self, name: str) -> None:
        """Send SIGKILL to one component to simulate a crash; returns when it has exited."""
        self.component(name).kill()

    def send(self, name: str, number: signal.Signals) -> None:
        """Send a signal to one component, for example SIGSTOP or SIGCONT to pause or resume it."""
        self.component(name).send(number)

    def pid(self, name: str) -> int:
        """Pid of one component. Raises ProcessLookupError when it is not running."""
        return self.component(name).pid

    def component(self, name: str) -> Component:
        """One component by name. Raises KeyError when there is none, or the stack was not started."""
        return self._supervisor.components[name]

    @property
    def addresses(self) -> Addresses:
        """Addresses of the components. Raises RuntimeError before the start."""
        return self._started_layout.addresses

    @property
    def accounts(self) -> ReadyAccounts | None:
        """The ready accounts; None when the stack makes none. Raises RuntimeError before the start."""
        return ReadyAccounts.of(self._folder) if self._started_layout.has_accounts else None

    @property
    def environment(self) -> dict[str, str]:
        """Complete environment of the application, for `python -m services …`. Raises RuntimeError before the start."""
        return {**os.environ, **self._started_layout.environment}

    @property
    def _started_layout(self) -> Layout:
        if self._layout is None:
            raise RuntimeError("the stack was not started")
        return self._layout
