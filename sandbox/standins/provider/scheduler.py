"""What is still to happen, and when: kept in the database, so that a restart forgets no answer and no webhook."""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS agenda (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, due REAL NOT NULL, since REAL NOT NULL,
  body TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS agenda_due ON agenda (kind, due);
"""
AT_ONCE = 16
AFTER_A_BUG = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """One thing to do: `attempt` counts from 0, `since` is when it was first due (Unix seconds)."""

    id: int
    since: float
    attempt: int
    body: dict[str, Any]


Handler = Callable[[Task], Awaitable[float | None]]


class Agenda:
    """The tasks of one kind; a handler that returns seconds is called again after them, None means done."""

    def __init__(self, db: sqlite3.Connection, kind: str, handler: Handler) -> None:
        self.db = db
        self.kind = kind
        self.handler = handler
        self._woken = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}

    def put(self, body: dict[str, Any], delay: float = 0.0) -> None:
        """Adds a task, due `delay` seconds from now, in the caller's transaction."""
        due = time.time() + delay
        row = (self.kind, due, due, json.dumps(body))
        self.db.execute("INSERT INTO agenda (kind, due, since, body) VALUES (?, ?, ?, ?)", row)
        self._woken.set()

    async def run(self) -> None:
        """Runs until cancelled; what was under way is then left for the next start."""
        try:
            while True:
                self._woken.clear()
                self._start_due()
                await self._sleep()
        finally:
            for running in self._running.values():
                running.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _start_due(self) -> None:
        query = "SELECT * FROM agenda WHERE kind = ? AND due <= ? ORDER BY due, id LIMIT ?"
        for row in self.db.execute(query, (self.kind, time.time(), 2 * AT_ONCE)).fetchall():
            if row["id"] not in self._running and len(self._running) < AT_ONCE:
                task = Task(row["id"], row["since"], row["attempt"], json.loads(row["body"]))
                self._running[task.id] = asyncio.create_task(self._do(task))

    async def _do(self, task: Task) -> None:
        try:
            again = await self._handle(task)
            if again is None:
                self.db.execute("DELETE FROM agenda WHERE id = ?", (task.id,))
            else:
                row = (time.time() + again, task.id)
                self.db.execute("UPDATE agenda SET due = ?, attempt = attempt + 1 WHERE id = ?", row)
        finally:
            del self._running[task.id]
            self._woken.set()

    async def _handle(self, task: Task) -> float | None:
        try:
            return await self.handler(task)
        except Exception:
            log.exception("agenda.failed kind=%s task=%s", self.kind, task.id)
            return AFTER_A_BUG

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), self._until_next())
        except TimeoutError:
            return

    def _until_next(self) -> float | None:
        if len(self._running) >= AT_ONCE:
            return None
        query = "SELECT id, due FROM agenda WHERE kind = ? ORDER BY due, id LIMIT ?"
        rows = self.db.execute(query, (self.kind, AT_ONCE + 1)).fetchall()
        waiting = [row["due"] for row in rows if row["id"] not in self._running]
        return max(waiting[0] - time.time(), 0.0) if waiting else None
