"""One `LISTEN` connection a process, which calls the subscribers of a channel on each notification."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

import psycopg
import structlog

#: A row of `orders.events` was written, or an order's attention changed; the payload is the order's id, a space, and
#: the event's type or `attention`.
ORDER_EVENTS = "order_events"
#: A command was added to `orders.outbox`.
OUTBOX = "outbox"
#: A message was added to `notifications.notifications`, or an event that needs one.
NOTIFICATIONS = "notifications"
#: A message for an endpoint of webhooks was queued.
WEBHOOKS = "webhooks"
CHANNELS = (ORDER_EVENTS, OUTBOX, NOTIFICATIONS, WEBHOOKS)

Wake = Callable[[str], None]


class PgListener:
    """Calls subscribers, in a thread of its own, with the payload of each NOTIFY.

    A lost connection is reopened, with one attempt every second, also after an error that nobody expected. Every
    subscriber is then called once with an empty payload, because notifications may have been missed. A subscriber must
    therefore read the row again each time, and must not wait without a timeout.
    """

    def __init__(self, url: str) -> None:
        """`url`: a direct connection to the database; a transaction pooler does not support LISTEN."""
        self._url = url
        self._subscribers: dict[str, list[Wake]] = defaultdict(list)
        self._guard = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; returns at once. Idempotent."""
        if self._thread:
            return
        self._thread = threading.Thread(target=self._run, name="pg-listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread; takes up to a second."""
        self._stopped.set()
        if self._thread:
            self._thread.join(timeout=3)

    def subscribe(self, channel: str, wake: Wake) -> Callable[[], None]:
        """Have `wake` called with each payload; it must not block. Returns a function that ends the subscription."""
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
                structlog.get_logger().warning("pg_listener.connection_lost", error=type(error).__name__)
                self._stopped.wait(1)
            except Exception:  # nothing else starts the thread again
                structlog.get_logger().exception("pg_listener.failed")
                self._stopped.wait(1)

    def _listen(self) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=3) as connection:
            for channel in CHANNELS:
                connection.execute(f"LISTEN {channel}".encode())
            self._wake_all()
            while not self._stopped.is_set():
                for notification in connection.notifies(timeout=0.5):
                    self._wake(notification.channel, notification.payload)

    def _wake(self, channel: str, payload: str) -> None:
        with self._guard:
            subscribers = list(self._subscribers[channel])
        for wake in subscribers:
            try:
                wake(payload)
            except Exception:  # the others are called all the same
                structlog.get_logger().exception("pg_listener.subscriber_failed", channel=channel)

    def _wake_all(self) -> None:
        for channel in CHANNELS:
            self._wake(channel, "")
