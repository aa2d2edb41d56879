"""Scheduled tasks of the provider, kept in the database so that they survive a restart."""

import asyncio
import json
import logging
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS scheduled_tasks (
  id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, due REAL NOT NULL, since REAL NOT NULL,
  body TEXT NOT NULL, attempt INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS scheduled_tasks_due ON scheduled_tasks (kind, due);
"""
MAX_CONCURRENT = 16
RETRY_AFTER_ERROR = 5.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScheduledTask:
    """A task; `attempt` counts from 0, `since` is the time when it was first due (Unix seconds)."""

    id: int
    since: float
    attempt: int
    body: dict[str, Any]


Handler = Callable[[ScheduledTask], Awaitable[float | None]]


class Scheduler:
    """Runs the tasks of one kind; a handler returns the seconds until the next attempt, or None when done."""

    def __init__(self, db: sqlite3.Connection, kind: str, handler: Handler) -> None:
        self.db = db
        self.kind = kind
        self.handler = handler
        self._wake_up = asyncio.Event()
        self._running: dict[int, asyncio.Task[None]] = {}

    def schedule(self, body: dict[str, Any], delay: float = 0.0) -> None:
        """Add a task, due `delay` seconds from now, in the caller's transaction."""
        due = time.time() + delay
        row = (self.kind, due, due, json.dumps(body))
        self.db.execute("INSERT INTO scheduled_tasks (kind, due, since, body) VALUES (?, ?, ?, ?)", row)
        self._wake_up.set()

    async def run(self) -> None:
        """Run until cancelled; tasks that were running then start again at the next start."""
        try:
            while True:
                self._wake_up.clear()
                self._start_due()
                await self._sleep()
        finally:
            for running in self._running.values():
                running.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    def _start_due(self) -> None:
        query = "SELECT * FROM scheduled_tasks WHERE kind = ? AND due <= ? ORDER BY due, id LIMIT ?"
        for row in self.db.execute(query, (self.kind, time.time(), 2 * MAX_CONCURRENT)).fetchall():
            if row["id"] not in self._running and len(self._running) < MAX_CONCURRENT:
                task = ScheduledTask(row["id"], row["since"], row["attempt"], json.loads(row["body"]))
                self._running[task.id] = asyncio.create_task(self._do(task))

    async def _do(self, task: ScheduledTask) -> None:
        try:
            retry_after = await self._handle(task)
            if retry_after is None:
                self.db.execute("DELETE FROM scheduled_tasks WHERE id = ?", (task.id,))
            else:
                row = (time.time() + retry_after, task.id)
                self.db.execute("UPDATE scheduled_tasks SET due = ?, attempt = attempt + 1 WHERE id = ?", row)
        finally:
            del self._running[task.id]
            self._wake_up.set()

    async def _handle(self, task: ScheduledTask) -> float | None:
        try:
            return await self.handler(task)
        except Exception:
            log.exception("scheduled_task.failed kind=%s task=%s", self.kind, task.id)
            return RETRY_AFTER_ERROR

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._wake_up.wait(), self._until_next())
        except TimeoutError:
            return

    def _until_next(self) -> float | None:
        if len(self._running) >= MAX_CONCURRENT:
            return None
        query = "SELECT id, due FROM scheduled_tasks WHERE kind = ? ORDER BY due, id LIMIT ?"
        rows = self.db.execute(query, (self.kind, MAX_CONCURRENT + 1)).fetchall()
        waiting = [row["due"] for row in rows if row["id"] not in self._running]
        return max(waiting[0] - time.time(), 0.0) if waiting else None
