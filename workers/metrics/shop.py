"""Figures of the whole shop, read from the database on each scrape; every worker reports the same ones."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from api.ops.outage_log import OutageLog
from services import figures
from services.db import Database
from services.notifications.status import NotificationChannel


class ShopMetrics(Collector):
    """Open orders, attention, queues and money; without the database it only says that it cannot be read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._guard = threading.Lock()
        self._outage = OutageLog("shop")
        #: the newest entry of the ledger that is added up; None before the first scrape
        self._position: int | None = None
        self._minor: Counter[tuple[str, str]] = Counter()

    def collect(self) -> Iterator[Metric]:
        """The metrics; waits up to 1 s for a connection."""
        try:
            metrics = [
                *self._orders(),
                *self._queues(),
                *self._webhooks(),
                *self._unanswered(),
                self._suppressed(),
                self._money(),
            ]
        except Exception as error:  # such as a column that is not there before `migrate`: the other metrics are served
            self._outage.failed(error)
            metrics = []
        else:
            self._outage.succeeded()
        yield GaugeMetricFamily("shop_readable", "1: the database was read for this scrape", value=bool(metrics))
        yield from metrics

    def _orders(self) -> Iterator[Metric]:
        opened = GaugeMetricFamily("orders_open", "Orders that have not ended", labels=["status"])
        for status, orders in figures.open_orders(self._database).items():
            opened.add_metric([status], orders)
        yield opened
        attention = figures.orders_needing_attention(self._database)
        yield GaugeMetricFamily("orders_needing_attention", "Orders that need a person", value=attention)

    def _queues(self) -> Iterator[Metric]:
        waiting = GaugeMetricFamily("queue_waiting", "Entries that wait to be delivered", labels=["queue"])
        oldest = GaugeMetricFamily("queue_oldest_seconds", "Seconds that the oldest entry waits", labels=["queue"])
        for queue in figures.queues(self._database):
            waiting.add_metric([queue.name], queue.waiting)
            oldest.add_metric([queue.name], queue.oldest)
        yield waiting
        yield oldest

    def _webhooks(self) -> Iterator[Metric]:
        found = figures.webhooks(self._database)
        deliveries = GaugeMetricFamily("webhook_deliveries", "Webhooks that are not delivered", labels=["status"])
        for status, count in (("waiting", found.waiting), ("failed", found.failed)):
            deliveries.add_metric([status], count)
        yield deliveries
        text = "Endpoints of webhooks that were disabled because they failed for three days or answered 410"
        yield GaugeMetricFamily("webhook_endpoints_disabled", text, value=found.disabled)

    def _unanswered(self) -> Iterator[Metric]:
        count = GaugeMetricFamily("unanswered", "What another system has not answered or refused last", labels=["of"])
        oldest = GaugeMetricFamily("unanswered_oldest_seconds", "Seconds since the oldest of them began", labels=["of"])
        for each in figures.unanswered(self._database):
            count.add_metric([each.name], each.count)
            oldest.add_metric([each.name], each.oldest)
        yield count
        yield oldest

    def _suppressed(self) -> Metric:
        over = GaugeMetricFamily(
            "messages_suppressed", "Messages of the last hour that were over a budget", labels=["channel"]
        )
        found = figures.suppressed_messages(self._database)
        for channel in NotificationChannel:
            over.add_metric([channel], found.get(channel, 0))
        return over

    def _money(self) -> Metric:
        with self._guard:
            self._add_up()
            written = CounterMetricFamily(
                "ledger_minor", "Minor units written to the ledger", labels=["kind", "currency"]
            )
            for (kind, currency), minor in self._minor.items():
                written.add_metric([kind, currency], minor)
            return written

    def _add_up(self) -> None:
        if self._position is None:
            self._position = figures.ledger_position(self._database)
            # A counter that appears with its first value has not increased: rates would miss it.
            currencies = figures.ledger_currencies(self._database)
            self._minor.update({(kind, each): 0 for kind in figures.LEDGER_KINDS for each in currencies})
        self._position, sums = figures.ledger_after(self._database, self._position)
        self._minor.update({(each.kind, each.currency): each.minor for each in sums})
