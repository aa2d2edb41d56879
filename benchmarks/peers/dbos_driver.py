"""The process of the DBOS saga, in its own environment; rounds and results are lines of JSON."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.peers.steps import Shop
from benchmarks.plan import Done, Round
from benchmarks.process import NotMeasured
from sandbox.layout import ROOT

#: Seconds to wait for the exit after the input is closed.
EXIT_TIMEOUT = 15.0


class DbosDriver:
    """Runs `benchmarks.peers.dbos_saga` with another interpreter; a context manager."""

    def __init__(self, python: Path, log: Path, shop: Shop) -> None:
        self._python, self._log, self._shop = python, log, shop
        #: of DBOS, once it runs
        self.version = ""

    def __enter__(self) -> Self:
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(self._python), "-m", "benchmarks.peers.dbos_saga"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
            )
        try:
            self.version = str(self._ask(asdict(self._shop)))
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop()

    def _stop(self) -> None:
        try:
            self._process.communicate(timeout=EXIT_TIMEOUT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    @property
    def pid(self) -> int:
        """Pid of the process. Raises NotMeasured when it is not running."""
        if self._process.poll() is not None:
            raise NotMeasured(self._last_output())
        return self._process.pid

    def measure(self, wanted: Round) -> Done:
        """Run one round. Raises NotMeasured."""
        answer = self._ask({"in_flight": wanted.in_flight, "seconds": wanted.seconds})
        return Done(answer["latencies"], answer["elapsed"])

    def _ask(self, question: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise NotMeasured(self._last_output()) from None
        if not (answer := self._process.stdout.readline()):
            raise NotMeasured(self._last_output())
        return json.loads(answer)

    def _last_output(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-20:]
        return "\n    ".join(["the DBOS saga ended. Last output:", *lines])
