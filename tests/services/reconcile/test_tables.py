"""The tables: every invariant is violated once, is detected, and is described in a sentence."""

from __future__ import annotations

import re

import pytest

from services.db import Database
from services.order_number import order_number
from services.orders.views import OrderView
from services.reconcile.findings import LISTED
from services.reconcile.scope import Deadline, Scope
from services.reconcile.tables import INVARIANTS, check_tables, orders_that_need_attention

NOW = Scope(lag=0, grace=0)
#: An open order that was last changed two hours ago, in each status; its window of 900 s is over.
OPEN = (
    "UPDATE orders.orders SET status = '{status}', paid_by = NULL, updated_at = now() - interval '{age}',"
    " needs_attention = {attention}"
)


def violations(database: Database, scope: Scope = NOW) -> list[tuple[str, str]]:
    """Id and sentence of every violation."""
    checks = check_tables(database, scope)
    assert [check.unchecked for check in checks if check.unchecked] == []
    return [(check.id, found.sentence) for check in checks for found in check.violations]


def damage(database: Database, *statements: str) -> None:
    with database.transaction() as tx:
        for statement in statements:
            tx.execute(statement)


def test_a_confirmed_order_violates_nothing(database: Database, confirmed: OrderView) -> None:
    checks = check_tables(database, NOW)
    ids = "I1 I1 I2 I3 I4 I4 I5 I6 I8 I11 I11 I11 I12 I12 I14 I14 I14 I14"
    assert [check.id for check in checks] == ids.split()
    assert [check.violations for check in checks] == [[]] * len(INVARIANTS)
    assert all(check.holds for check in checks)
    assert checks[3].rows == 1


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE reservations.stocks SET reserved = reserved + 1, available = available - 1",
            [
                "I2: Product {product} has 1 units reserved and 1 sold, but open reservations hold 0 and confirmed"
                " ones 1."
            ],
        ),
        (
            "UPDATE reservations.stocks SET available = available + 1, total = total + 1",
            ["I1: Product {product} has 6 units, but its movements add up to 5."],
        ),
        (
            "UPDATE reservations.stocks SET available = available - 2, total = total - 2;"
            " INSERT INTO reservations.movements (product_id, change, kind)"
            " SELECT product_id, -1, 'adjustment' FROM reservations.stocks",
            ["I1: Product {product} has 3 units, but its movements add up to 4."],
        ),
        (
            "UPDATE reservations.reservations SET status = 'released'",
            [
                "I2: Product {product} has 0 units reserved and 1 sold, but open reservations hold 0 and confirmed"
                " ones 0.",
                "I4: Order {order} is confirmed, but its reservation is released.",
            ],
        ),
        (
            "DELETE FROM reservations.lines; DELETE FROM reservations.reservations",
            [
                "I2: Product {product} has 0 units reserved and 1 sold, but open reservations hold 0 and confirmed"
                " ones 0.",
                "I4: Order {order} is confirmed, but it has no reservation.",
            ],
        ),
        (
            "DELETE FROM orders.events WHERE key = 'created'",
            ["I3: Order {order} is confirmed, but its timeline does not begin with `created`."],
        ),
        (
            "DELETE FROM orders.events WHERE key = 'paid'",
            ["I3: Order {order} is confirmed, but its timeline lacks one of `reserved`, `payment_pending` and `paid`."],
        ),
        (
            "UPDATE orders.orders SET status = 'cancelled'",
            [
                "I3: Order {order} is cancelled, but its timeline has an entry `confirmed`.",
                "I4: Order {order} is cancelled, but the ledger keeps 10.00 RUB for it instead of 0.00 RUB.",
                "I4: Order {order} is cancelled, but its reservation is confirmed.",
            ],
        ),
        (
            "DELETE FROM payments.ledger",
            [
                "I4: Order {order} is confirmed, but the ledger keeps 0.00 RUB for it instead of 10.00 RUB.",
                "I5: A payment of order {order} has 10.00 RUB captured and 0.00 RUB refunded, but the ledger has"
                " 0.00 RUB and 0.00 RUB.",
            ],
        ),
        (
            "UPDATE orders.orders SET total_minor = total_minor + 1",
            ["I4: Order {order} is confirmed, but the ledger keeps 10.00 RUB for it instead of 10.01 RUB."],
        ),
        (
            "UPDATE payments.payments SET captured_minor = captured_minor + 1",
            [
                "I5: A payment of order {order} has 10.01 RUB captured and 0.00 RUB refunded, but the ledger has"
                " 10.00 RUB and 0.00 RUB."
            ],
        ),
        (
            "INSERT INTO idempotency.keys SELECT 'a', 'POST /orders', 'k', 'x', id, 201 FROM orders.orders;"
            "INSERT INTO idempotency.keys SELECT 'b', 'POST /orders', 'k', 'x', id, 201 FROM orders.orders",
            ["I8: 2 idempotency keys name order {order}, but it was placed once."],
        ),
        (
            "UPDATE payments.payments SET status = 'failed'",
            ["I11: A payment of order {order} is failed, but 10.00 RUB was captured and 0.00 RUB refunded."],
        ),
        (
            "INSERT INTO orders.events (order_id, key, type, status, notified_at)"
            " SELECT order_id, 'x', type, status, now() FROM orders.events WHERE key = 'reserved';"
            "DELETE FROM orders.events WHERE key = 'reserved';"
            "UPDATE orders.events SET key = 'reserved' WHERE key = 'x'",
            ["I11: Order {order} went back from `confirmed` to `reserved`."],
        ),
        (
            "UPDATE orders.outbox SET done_at = NULL, created_at = now() - interval '90 seconds'",
            ["I12: The command `start` of order {order} has waited for 90 s."],
        ),
        (
            "UPDATE orders.events SET notified_at = NULL, at = now() - interval '90 seconds' WHERE key = 'created'",
            ["I12: The event `created` of order {order} has waited for 90 s."],
        ),
        (
            "INSERT INTO identity.messages (id, channel, template, language, created_at)"
            " VALUES (gen_random_uuid(), 'email', 'verify_email', 'ru', now() - interval '90 seconds')",
            ["I12: An account message `verify_email` has waited for 90 s."],
        ),
    ],
)
def test_damage_is_detected_and_described(
    database: Database, confirmed: OrderView, statement: str, expected: list[str]
) -> None:
    damage(database, *statement.split(";"))
    names = {"order": order_number(str(confirmed.id)), "product": confirmed.lines[0].product_id}
    assert [f"{id_}: {sentence}" for id_, sentence in violations(database)] == [
        sentence.format_map(names) for sentence in expected
    ]


@pytest.mark.parametrize(("status", "late"), [("cancelling", False), ("cancelled", True)])
def test_a_refund_that_waits_for_its_cancellation_is_not_late(
    database: Database, confirmed: OrderView, status: str, late: bool
) -> None:
    damage(
        database,
        f"UPDATE orders.orders SET status = '{status}', updated_at = now()",  # noqa: S608 - values of this test
        "INSERT INTO orders.events (order_id, key, type, status, at)"
        " SELECT id, 'refunded:1', 'refunded', 'cancelling', now() - interval '90 seconds' FROM orders.orders",
    )
    found = [sentence for id_, sentence in violations(database) if id_ == "I12"]
    assert found == ([f"The event `refunded` of order {order_number(str(confirmed.id))} has waited for 90 s."] * late)


def test_a_message_with_two_effects_is_detected(database: Database, confirmed: OrderView) -> None:
    damage(
        database,
        "INSERT INTO orders.orders SELECT (o2).* FROM (SELECT jsonb_populate_record(o, jsonb_build_object("
        "'id', gen_random_uuid(), 'status', 'created')) AS o2 FROM orders.orders o) AS copied",
        "INSERT INTO orders.outbox (order_id, name, key, arguments, done_at)"
        " SELECT id, 'payment_updated', 'payment_updated:fake:1', '{}', now() FROM orders.orders",
    )
    found = [sentence for id_, sentence in violations(database) if id_ == "I11"]
    assert found == ["One message of the provider had an effect on 2 orders."]


def test_an_event_without_a_message_is_detected_and_a_second_mail_too(database: Database, confirmed: OrderView) -> None:
    damage(
        database,
        "INSERT INTO identity.users (id, first_name, last_name, email, email_canonical, registered_with, language)"
        " SELECT buyer_id, 'Ada', 'L', 'a@example.com', 'a@example.com', 'email', 'en' FROM orders.orders",
        "UPDATE orders.events SET notified_at = now() - interval '4 days' WHERE type = 'created'",
        "INSERT INTO notifications.notifications (id, key, order_id, channel, template, language, recipient, status)"
        " SELECT gen_random_uuid(), 'key ' || n, id, 'email', 'order_paid', 'en', '', 'sent'"
        "   FROM orders.orders, generate_series(1, 2) AS n",
    )
    number = order_number(str(confirmed.id))
    assert sorted(violations(database)) == [
        ("I6", f"For the event `confirmed` of order {number} no message was made."),
        ("I6", f"For the event `paid` of order {number} 2 e-mails and 0 SMS were made."),
    ]


@pytest.mark.parametrize(
    ("status", "age", "attention", "stands_still"),
    [
        ("created", "11 minutes", False, True),
        ("created", "9 minutes", False, False),
        ("created", "11 minutes", True, False),
        ("reserved", "26 minutes", False, True),
        ("reserved", "24 minutes", False, False),
        ("payment_pending", "26 minutes", False, True),
        ("payment_pending", "24 minutes", False, False),
        ("paid", "11 minutes", False, True),
        ("cancelling", "21 minutes", False, True),
        ("cancelling", "19 minutes", False, False),
        ("cancelling", "21 minutes", True, False),
    ],
)
def test_an_open_order_that_stands_still_is_detected(
    database: Database, confirmed: OrderView, status: str, age: str, attention: bool, stands_still: bool
) -> None:
    damage(database, OPEN.format(status=status, age=age, attention=attention))
    found = [sentence for id_, sentence in violations(database, Scope()) if id_ == "I14"]
    assert [f"has been {status} for" in sentence for sentence in found] == [True] * stands_still


def test_the_term_of_the_provider_is_a_timer(database: Database, confirmed: OrderView) -> None:
    damage(
        database,
        OPEN.format(status="payment_pending", age="50 minutes", attention=False),
        "UPDATE payments.payments SET status = 'pending', captured_minor = 0, pending_until = now()",
    )
    assert [id_ for id_, _ in violations(database, Scope()) if id_ == "I14"] == []
    damage(database, "UPDATE payments.payments SET pending_until = now() - interval '11 minutes'")
    assert [id_ for id_, _ in violations(database, Scope()) if id_ == "I14"] == ["I14"]


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (
            "UPDATE payments.payments SET status = 'unknown', updated_at = now() - interval '11 minutes',"
            " pending_until = NULL",
            "Order {order} is confirmed, but its payment has been unknown for 660 s.",
        ),
        (
            "INSERT INTO payments.refunds"
            " (id, payment_id, order_id, number, amount_minor, currency, status, updated_at)"
            " SELECT gen_random_uuid(), id, order_id, 1, 250, 'RUB', 'pending', now() - interval '11 minutes'"
            "   FROM payments.payments",
            "The refund of 2.50 RUB for order {order} was last tried 660 s ago.",
        ),
        (
            "UPDATE reservations.reservations SET status = 'reserved', pinned = false,"
            " expires_at = now() - interval '11 minutes'",
            "The hold of order {order} ended 660 s ago, but its goods are not available.",
        ),
    ],
)
def test_other_rows_that_stand_still_are_detected(
    database: Database, confirmed: OrderView, statement: str, expected: str
) -> None:
    damage(database, statement)
    found = [sentence for id_, sentence in violations(database, Scope()) if id_ == "I14"]
    # The age is a few seconds more on a slow machine.
    assert [re.sub(r"\b66\d s", "660 s", each) for each in found] == [
        expected.format(order=order_number(str(confirmed.id)))
    ]


def test_money_of_a_closed_order_that_is_being_sent_back_is_no_violation(
    database: Database, confirmed: OrderView
) -> None:
    damage(
        database,
        "UPDATE orders.orders SET status = 'cancelled'",
        "INSERT INTO payments.refunds (id, payment_id, order_id, number, amount_minor, currency, status)"
        " SELECT gen_random_uuid(), id, order_id, 1, 250, 'RUB', 'pending' FROM payments.payments",
    )
    assert [sentence for id_, sentence in violations(database) if "ledger keeps" in sentence] == []


def test_all_violations_are_counted_and_the_first_are_listed(database: Database, confirmed: OrderView) -> None:
    damage(
        database,
        "INSERT INTO identity.messages (id, channel, template, language, created_at)"
        " SELECT gen_random_uuid(), 'email', 'verify_email', 'ru', now() - interval '1 day'"
        "   FROM generate_series(1, 2000)",
    )
    undelivered = next(check for check in check_tables(database) if check.violated)
    assert (undelivered.id, undelivered.violated, len(undelivered.violations)) == ("I12", 2000, LISTED)
    assert undelivered.violations[0].ids.keys() == {"message"}


def test_orders_that_need_a_person_are_mentioned(database: Database, confirmed: OrderView) -> None:
    damage(
        database,
        "UPDATE orders.orders SET needs_attention = true, attention_reasons = '{refund_payment,payment_review}',"
        " updated_at = now() - interval '30 seconds'",
    )
    found, count = orders_that_need_attention(database, Deadline(10))
    number = order_number(str(confirmed.id))
    reasons = "refund_payment, payment_review"
    sentence = f"Order {number} is confirmed and needs a person: {reasons} (for 30 s)."
    assert [(one.sentence, dict(one.ids)) for one in found] == [(sentence, {"order": str(confirmed.id)})]
    assert count == 1


def test_what_is_not_checked_in_time_says_so(database: Database) -> None:
    checks = check_tables(database, deadline=Deadline(0))
    assert {check.unchecked for check in checks} == {"The time of 0 s is over. Allow more time with --timeout."}
    assert not any(check.holds for check in checks)
