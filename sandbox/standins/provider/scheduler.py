"""Scheduled tasks of the provider, kept in the database so that they survive a restart."""

import asyncio
import json
import logging
import sqlite3
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS scheduled_tasks (
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, due REAL NOT NULL, since REAL NOT NULL,
  body TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0);
DROP INDEX IF EXISTS scheduled_tasks_due;
"""
DUE = "SELECT id, due FROM scheduled_tasks WHERE kind = ? ORDER BY due, id"
MAX_CONCURRENT = 16
RETRY_AFTER_ERROR = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScheduledTask:
    """A task; `attempt` counts from 0, `since` is the time when it was first due (Unix seconds), `text` is JSON."""

    since: float
    attempt: int
    text: str

    @cached_property
    def body(self) -> dict[str, Any]:
        """The parsed JSON."""
        body: dict[str, Any] = json.loads(self.text)
        return body


Handler = Callable[[ScheduledTask], Awaitable[float | None]]


class Scheduler:
    """Runs the tasks of one kind; a handler returns the seconds until the next attempt, or None when done.

    Each task has a timer of the event loop. The database is read only to start a task and, once, after a restart.
    """

    def __init__(self, db: sqlite3.Connection, kind: str, handler: Handler) -> None:
        self.db = db
        self.kind = kind
        self.handler = handler
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._waiting: deque[int] = deque()
        self._running: dict[int, asyncio.Task[None]] = {}

    def schedule(self, body: dict[str, Any], delay: float = 0.0) -> None:
        """Add a task, due `delay` seconds from now, in the caller's transaction."""
        due = time.time() + delay
        row = (self.kind, due, due, json.dumps(body))
        added = self.db.execute("INSERT INTO scheduled_tasks (kind, due, since, body) VALUES (?, ?, ?, ?)", row)
        self._set_timer(added.lastrowid or 0, delay)

    async def run(self) -> None:
        """Run until cancelled; tasks that were running then start again at the next start."""
        for row in self.db.execute(DUE, (self.kind,)).fetchall():
            self._set_timer(row["id"], row["due"] - time.time())
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            for timer in self._timers.values():
                timer.cancel()
            self._waiting.clear()
            for running in self._running.values():
                running.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _set_timer(self, task_id: int, delay: float) -> None:
        if task_id in self._timers:  # a rolled back transaction had the same id
            self._timers[task_id].cancel()
        self._timers[task_id] = asyncio.get_running_loop().call_later(max(delay, 0.0), self._start, task_id)

    def _start(self, task_id: int) -> None:
        self._timers.pop(task_id, None)
        if len(self._running) < MAX_CONCURRENT:
            self._running[task_id] = asyncio.create_task(self._do(task_id))
        else:
            self._waiting.append(task_id)

    async def _do(self, task_id: int) -> None:
        try:
            await self._attempt(task_id)
        except Exception:  # such as a full disk: the row is still there
            log.exception("scheduled_task.not_recorded kind=%s", self.kind)
            self._set_timer(task_id, RETRY_AFTER_ERROR)
        finally:
            del self._running[task_id]
            if self._waiting:
                self._start(self._waiting.popleft())

    async def _attempt(self, task_id: int) -> None:
        query = "SELECT since, attempt, body FROM scheduled_tasks WHERE id = ?"
        row = self.db.execute(query, (task_id,)).fetchone()
        if row is None:  # its transaction was rolled back
            return
        retry_after = await self._handle(ScheduledTask(*row))
        if retry_after is None:
            self.db.execute("DELETE FROM scheduled_tasks WHERE id = ?", (task_id,))
            return
        again = (time.time() + retry_after, task_id)
        self.db.execute("UPDATE scheduled_tasks SET due = ?, attempt = attempt + 1 WHERE id = ?", again)
        self._set_timer(task_id, retry_after)

    async def _handle(self, task: ScheduledTask) -> float | None:
        try:
            return await self.handler(task)
        except Exception:
            log.exception("scheduled_task.failed kind=%s", self.kind)
            return RETRY_AFTER_ERROR
