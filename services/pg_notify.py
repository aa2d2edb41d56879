"""One `LISTEN` connection a process, which calls the subscribers of a channel on each notification."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

import psycopg
import structlog

#: A row of `orders.events` was written; the payload is the order's id.
ORDER_EVENTS = "order_events"
#: A command waits in `orders.outbox`.
OUTBOX = "outbox"
#: A message waits in `notifications.notifications`, or an event that has some.
NOTIFICATIONS = "notifications"

Wake = Callable[[str], None]


class Wakeups:
    """Calls subscribers, in a thread of its own, with the payload of each NOTIFY.

    A lost connection is made again every second; then everybody is woken once with an empty payload, because a
    word may have been missed. Waiting must therefore always look at the row again, and use a time-out as well.
    """

    def __init__(self, url: str) -> None:
        """`url`: a session of its own at the database (not through a transaction pooler)."""
        self._url = url
        self._subscribers: dict[str, list[Wake]] = defaultdict(list)
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to listen; returns at once. Repeating it changes nothing."""
        if self._thread:
            return
        self._thread = threading.Thread(target=self._run, name="wakeups", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End within a second or so."""
        self._stopped.set()
        if self._thread:
            self._thread.join(timeout=3)

    def subscribe(self, channel: str, wake: Wake) -> Callable[[], None]:
        """Have `wake` called (it must not block); returns the function that ends the subscription."""
        with self._guard:
            self._subscribers[channel].append(wake)

        def unsubscribe() -> None:
            with self._guard:
                self._subscribers[channel].remove(wake)

        return unsubscribe

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                structlog.get_logger().warning("wakeups.lost", error=type(error).__name__)
                self._stopped.wait(1)

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as connection:
            for channel in (ORDER_EVENTS, OUTBOX, NOTIFICATIONS):
                connection.execute(f"LISTEN {channel}".encode())
            self._wake_everybody()
            while not self._stopped.is_set():
                for word in connection.notifies(timeout=0.5):
                    self._wake(word.channel, word.payload)

    def _wake(self, channel: str, payload: str) -> None:
        with self._guard:
            waiting = list(self._subscribers[channel])
        for wake in waiting:
            wake(payload)

    def _wake_everybody(self) -> None:
        for channel in (ORDER_EVENTS, OUTBOX, NOTIFICATIONS):
            self._wake(channel, "")
