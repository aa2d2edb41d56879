"""A driver process that measures rounds on request; it exits when its caller closes the connection or dies."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from benchmarks.plan import Done, Round
from benchmarks.shop import Shop

#: Seconds to wait for the exit after the connection is closed: running activities may take ten.
EXIT_TIMEOUT = 15.0
#: Maximum seconds of a round, in addition to its duration.
ROUND_TIMEOUT = 120.0

_processes = multiprocessing.get_context("spawn")


class NotMeasured(RuntimeError):
    """A round failed, so there is no result."""


class RoundDriver(Protocol):
    """A process that measures rounds."""

    @property
    def pid(self) -> int:
        """Pid of the process. Raises NotMeasured when it is not running."""

    def measure(self, wanted: Round) -> Done:
        """Run one round. Raises NotMeasured."""


class Driver:
    """A child process that runs `serve(connection, *arguments)`; a context manager."""

    def __init__(
        self, name: str, environment: Mapping[str, str], log: Path, serve: Callable[..., None], *arguments: object
    ) -> None:
        self._name = name
        self._log = log
        self._ours, self._theirs = _processes.Pipe()
        self._process = _processes.Process(
            target=_child, args=(self._theirs, dict(environment), log, serve, arguments), name=name, daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        self._theirs.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ours.close()
        self._process.join(EXIT_TIMEOUT)
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int:
        """Pid of the process. Raises NotMeasured when it is not running."""
        if self._process.pid is None or not self._process.is_alive():
            raise NotMeasured(self._last_output())
        return self._process.pid

    def send_shop(self, shop: Shop) -> None:
        """Send the shop, before the first round."""
        self._ours.send(shop)

    def measure(self, wanted: Round) -> Done:
        """Run one round. Raises NotMeasured."""
        try:
            self._ours.send(wanted)
            outcome = self._ours.recv() if self._ours.poll(wanted.seconds + ROUND_TIMEOUT) else "no response"
        except (EOFError, OSError):
            raise NotMeasured(self._last_output()) from None
        if not isinstance(outcome, Done):
            raise NotMeasured(f"{self._name}, {wanted.case} with {wanted.in_flight} in flight: {outcome}")
        return outcome

    def _last_output(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-20:] if self._log.exists() else []
        return "\n    ".join([f"{self._name} ended. Last output:", *lines])


async def serve_rounds(connection: Connection, measure: Callable[[Round], Awaitable[Done]]) -> None:
    """In the child: measure the requested rounds until the connection is closed."""
    while True:
        try:
            wanted = await asyncio.to_thread(connection.recv)
        except EOFError:
            return
        connection.send(await _outcome(measure, wanted))


async def _outcome(measure: Callable[[Round], Awaitable[Done]], wanted: Round) -> Done | str:
    try:
        return await measure(wanted)
    except ExceptionGroup as failed:
        return f"{len(failed.exceptions)} orders failed, the first with {failed.exceptions[0]!r}"


def _child(
    connection: Connection,
    environment: dict[str, str],
    log: Path,
    serve: Callable[..., None],
    arguments: tuple[object, ...],
) -> None:
    # Ctrl-C in the terminal reaches all processes; only the parent decides when this one exits.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    serve(connection, *arguments)
