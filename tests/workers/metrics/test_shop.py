"""The figures of the shop, as they are read from the database on each scrape."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services import db, figures
from services.bootstrap import Services
from services.clock import new_id
from services.db import Database
from tests.builders import a_product, an_order
from tests.services.notifications.conftest import send
from tests.services.webhooks.builders import an_event
from workers.metrics.shop import ShopMetrics

_PAYMENT = """
    INSERT INTO payments.payments (id, order_id, attempt, amount_minor, currency, method, status, gateway)
    VALUES (%(id)s, %(id)s, 1, 100, 'RUB', 'card', 'pending', 'yookassa')
    """
_ENTRY = """
    INSERT INTO payments.ledger (order_id, payment_id, kind, amount_minor, currency, at)
    VALUES (%(id)s, %(id)s, %(kind)s, %(amount)s, 'RUB', now() - make_interval(secs => %(age)s))
    """


@pytest.fixture
def registry(services: Services) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(ShopMetrics(services.database))
    return made


def entry(database: Database, kind: str, amount: int, age: float = 60) -> None:
    """An entry of the ledger, written so many seconds ago."""
    payment = new_id()
    database.execute(_PAYMENT, {"id": payment})
    database.execute(_ENTRY, {"id": payment, "kind": kind, "amount": amount, "age": age})


def test_open_orders_attention_and_queues(services: Services, registry: CollectorRegistry) -> None:
    assert registry.get_sample_value("queue_waiting", {"queue": "sms"}) == 0
    assert registry.get_sample_value("queue_oldest_seconds", {"queue": "commands"}) == 0
    assert registry.get_sample_value("unanswered", {"of": "provider_payments"}) == 0
    product = a_product()
    first, second = (services.orders.place(an_order(product)).order for _ in range(2))
    services.order_transitions.reserved(first.id)
    services.order_transitions.raise_attention(second.id, "release_stock")
    aged = "UPDATE orders.outbox SET created_at = now() - interval '90 seconds' WHERE order_id = %(id)s"
    services.database.execute(aged, {"id": second.id})

    assert registry.get_sample_value("orders_open", {"status": "created"}) == 1
    assert registry.get_sample_value("orders_open", {"status": "reserved"}) == 1
    assert registry.get_sample_value("orders_needing_attention") == 1
    assert registry.get_sample_value("queue_waiting", {"queue": "commands"}) == 2
    assert registry.get_sample_value("queue_waiting", {"queue": "events"}) == 2
    assert registry.get_sample_value("queue_oldest_seconds", {"queue": "commands"}) == pytest.approx(90, abs=5)


def test_webhooks_that_wait_or_failed_and_endpoints_that_were_disabled(
    services: Services, registry: CollectorRegistry, database: Database
) -> None:
    assert registry.get_sample_value("webhook_endpoints_disabled") == 0
    services.webhook_endpoints.add("http://127.0.0.1:9999/")
    with database.transaction() as tx:
        services.webhooks.queue([an_event(new_id()) for _ in range(3)], tx)
    assert registry.get_sample_value("webhook_deliveries", {"status": "waiting"}) == 3
    database.execute("UPDATE webhooks.endpoints SET disabled_reason = 'gone'")
    database.execute("UPDATE webhooks.deliveries SET status = 'failed'")
    assert registry.get_sample_value("webhook_deliveries", {"status": "waiting"}) == 0
    assert registry.get_sample_value("webhook_deliveries", {"status": "failed"}) == 3
    assert registry.get_sample_value("webhook_endpoints_disabled") == 1


def test_what_others_have_not_answered(services: Services, registry: CollectorRegistry, database: Database) -> None:
    order = services.orders.place(an_order(a_product())).order
    database.execute(_PAYMENT, {"id": order.id})
    age = "UPDATE payments.payments SET status = 'unknown', created_at = now() - interval '70 seconds'"
    database.execute(age)
    assert registry.get_sample_value("unanswered", {"of": "provider_payments"}) == 1
    assert registry.get_sample_value("unanswered_oldest_seconds", {"of": "provider_payments"}) == pytest.approx(
        70, abs=5
    )


def test_T130_suppressed_messages_of_the_last_hour_are_counted(
    services: Services, registry: CollectorRegistry, database: Database
) -> None:
    assert registry.get_sample_value("messages_suppressed", {"channel": "sms"}) == 0
    sent = [send(services.notifications, to="boris@example.com") for _ in range(13)]
    assert registry.get_sample_value("messages_suppressed", {"channel": "email"}) == 3
    old = "UPDATE notifications.notifications SET created_at = now() - interval '61 minutes' WHERE id = %(id)s"
    database.execute(old, {"id": sent[-1].id})
    assert registry.get_sample_value("messages_suppressed", {"channel": "email"}) == 2


def test_money_is_added_up_from_the_first_scrape_on(database: Database, registry: CollectorRegistry) -> None:
    def minor(kind: str) -> float | None:
        return registry.get_sample_value("ledger_minor_total", {"kind": kind, "currency": "RUB"})

    entry(database, "charge", 700)
    assert [minor("charge"), minor("refund"), minor("write_off")] == [0, 0, 0]
    for kind, amount in (("charge", 500), ("charge", 300), ("refund", -200), ("write_off", -100)):
        entry(database, kind, amount)
    assert [minor("charge"), minor("charge"), minor("refund"), minor("write_off")] == [800, 800, 200, 100]


def test_an_entry_waits_until_no_smaller_id_can_appear(database: Database) -> None:
    start = figures.ledger_position(database)
    for age in (60, 0, 60):
        entry(database, "charge", 100, age)
    position, sums = figures.ledger_after(database, start)
    assert [each.minor for each in sums] == [100]
    position, sums = figures.ledger_after(database, position, settled=-1)
    assert ([each.minor for each in sums], position) == ([200], figures.ledger_position(database))


def test_without_the_database_the_scrape_says_so() -> None:
    registry = CollectorRegistry()
    registry.register(ShopMetrics(db.connect("postgresql://market@127.0.0.1:1/market")))
    assert registry.get_sample_value("shop_readable") == 0
    assert registry.get_sample_value("orders_needing_attention") is None


def test_F94_a_table_that_is_not_there_is_no_reason_to_serve_nothing(database_url: str) -> None:
    registry = CollectorRegistry()
    system = db.connect(database_url.rpartition("/")[0] + "/postgres", pool_size=1)
    registry.register(ShopMetrics(system))
    with capture_logs() as logs:
        shown = [registry.get_sample_value("shop_readable") for _ in range(2)]
    system.close()
    assert shown == [0, 0]
    assert [(line["event"], line["part"]) for line in logs] == [("metrics.unreadable", "shop")]


@pytest.mark.parametrize(
    ("statement", "indexes"),
    [
        (figures._OPEN_ORDERS, {"ix_orders_open"}),
        (figures._QUEUES, {"ix_outbox_undone", "ix_events_pending_notification", "ix_notifications_due"}),
        (figures._CANCELLING, {"ix_orders_open", "uq_events_once"}),
        (figures._UNANSWERED, {"ix_orders_open", "uq_payments_live", "ix_refunds_pending", "ix_notifications_due"}),
    ],
    ids=["orders", "queues", "cancelling", "unanswered"],
)
def test_only_what_is_open_is_read(database: Database, statement: str, indexes: set[str]) -> None:
    with database.transaction() as tx:
        tx.execute("SET LOCAL enable_seqscan = off")
        plan = "\n".join(tx.fetch_column(f"EXPLAIN {statement}", {"seconds": 60}))
    assert {index for index in indexes if index in plan} == indexes
