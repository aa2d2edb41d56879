"""Points at which a test can make a process die, so that every crash can be tried at its worst moment."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Faults:
    """Reads `FAULTS=step:point:kill,…`, each fired once by a marker file: point `before` or `after` what may be lost.

    Empty outside tests: the settings refuse it in production.
    """

    points: frozenset[tuple[str, str]] = frozenset()
    #: where fired points are marked, so that the next process lives
    marks: Path = field(default=Path(".data"))

    @classmethod
    def parse(cls, text: str, marks: Path) -> Faults:
        """Raises ValueError when a point is not `step:first|before|after:kill`."""
        points = set()
        for item in filter(None, text.split(",")):
            step, point, kind = item.split(":")
            if point not in ("first", "before", "after") or kind != "kill":
                raise ValueError(f"FAULTS: {item} is not step:first|before|after:kill")
            points.add((step, point))
        return cls(frozenset(points), marks)

    @contextmanager
    def around(self, step: str) -> Iterator[None]:
        """The transaction or call inside is what may be lost before, or done but not acknowledged after."""
        self.reach(step, "before")
        yield
        self.reach(step, "after")

    def reach(self, step: str, point: str) -> None:
        """Die here, once, if a test said so."""
        if (step, point) not in self.points:
            return
        mark = self.marks / f"fault-{step}-{point}"
        try:
            mark.touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
