"""A process that drives rounds, and how it is talked to: it ends when its caller hangs up, however that happens."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.plan import Done, Round
from benchmarks.shop import Shop

#: Seconds in which a process must have ended after its caller hung up: running activities may take ten.
PATIENCE = 15.0
#: Seconds that one round may take, whatever is wrong.
LONGEST_ROUND = 120.0

_processes = multiprocessing.get_context("spawn")


class NotMeasured(RuntimeError):
    """A round failed, so there is no figure."""


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
        self._process.join(PATIENCE)
        self._process.kill()
        self._process.join()

    @property
    def pid(self) -> int:
        """Pid of the process. Raises NotMeasured when it does not run."""
        if self._process.pid is None or not self._process.is_alive():
            raise NotMeasured(self._last_words())
        return self._process.pid

    def open(self, shop: Shop) -> None:
        """Tell it what to buy, before the first round."""
        self._ours.send(shop)

    def measure(self, wanted: Round) -> Done:
        """Run one round. Raises NotMeasured."""
        try:
            self._ours.send(wanted)
            answered = self._ours.recv() if self._ours.poll(wanted.seconds + LONGEST_ROUND) else "no answer"
        except (EOFError, OSError):
            raise NotMeasured(self._last_words()) from None
        if not isinstance(answered, Done):
            raise NotMeasured(f"{self._name}, {wanted.case} with {wanted.in_flight} in flight: {answered}")
        return answered

    def _last_words(self) -> str:
        words = self._log.read_text(errors="replace").splitlines()[-20:] if self._log.exists() else []
        return "\n    ".join([f"{self._name} ended. Its last words:", *words])


async def answer(orders: Connection, measure: Callable[[Round], Awaitable[Done]]) -> None:
    """In the child: run the rounds that are asked for, until the caller hangs up."""
    while True:
        try:
            wanted = await asyncio.to_thread(orders.recv)
        except EOFError:
            return
        orders.send(await _outcome(measure, wanted))


async def _outcome(measure: Callable[[Round], Awaitable[Done]], wanted: Round) -> Done | str:
    try:
        return await measure(wanted)
    except ExceptionGroup as failed:
        return f"{len(failed.exceptions)} failed, the first by {failed.exceptions[0]!r}"


def _child(
    orders: Connection, environment: dict[str, str], log: Path, serve: Callable[..., None], arguments: tuple[Any, ...]
) -> None:
    # Ctrl-C reaches everybody at the terminal; who has the data folder decides when we end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(written, 1)
    os.dup2(written, 2)
    serve(orders, *arguments)
