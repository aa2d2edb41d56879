"""Workers killed with SIGKILL around a charge: one intent, one charge, one order (FAULTS F03 … F06, F40, F49)."""

from __future__ import annotations

import pytest

from tests.journeys.customers import answered
from tests.journeys.locks import holding, wait_until_blocked
from tests.journeys.shop import STOCK, Shop
from tests.journeys.test_crashes import assert_confirmed_once, wait_for_worker_kill
from tests.journeys.waiting import until


def kill_when_blocked(shop: Shop, part: str) -> None:
    """Kill the worker when a statement that contains `part` waits for a lock."""
    wait_until_blocked(shop, part)
    shop.stack.kill("workers")


def intents(shop: Shop, order_id: str) -> int:
    ((count,),) = shop.rows("SELECT count(*) FROM payments.payments WHERE order_id = %(id)s", id=order_id)
    return int(count)


def test_F03_worker_killed_before_the_intent_commits(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.stack.kill("workers")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    with holding(parts, "INSERT INTO payments.payment_locks (order_id) VALUES (%(id)s)", id=order_id):
        parts.stack.start("workers")
        kill_when_blocked(parts, "payments.payment_locks")
        assert intents(parts, order_id) == 0
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)
    assert intents(parts, order_id) == 1


def test_F03_worker_killed_after_the_intent_and_F04_before_the_provider_charged(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card=parts.paying("card", "times_out_not_charged"))
    until(lambda: intents(parts, order_id), lambda count: count == 1)
    parts.stack.kill("workers")
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)
    assert intents(parts, order_id) == 1


def test_F04_worker_killed_before_the_charge(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.arm("charge", "before")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    wait_for_worker_kill(parts)
    assert intents(parts, order_id) == 1
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


@pytest.mark.parametrize("card", ["tok_succeeds_3", "tok_ignores_keys_3"])
def test_F05_worker_killed_after_the_provider_charged(parts: Shop, card: str) -> None:
    """Also with a provider that ignores idempotency keys (F40)."""
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card=card)
    reference = until(lambda: parts.rows("SELECT id FROM payments.payments WHERE order_id = %(id)s", id=order_id), bool)
    payment = {"payment": {"paymentId": str(reference[0][0])}}
    until(lambda: parts.ledger(payment), lambda found: [charge["captures"] for charge in found] == [1])
    parts.stack.kill("workers")
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


def test_F06_worker_killed_after_the_provider_answered_before_the_answer_is_recorded(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card="tok_succeeds_2")
    until(lambda: intents(parts, order_id), lambda count: count == 1)
    with holding(parts, "SELECT 1 FROM payments.payments WHERE order_id = %(id)s FOR UPDATE", id=order_id):
        kill_when_blocked(parts, "payments.payments")
        assert [charge["captures"] for charge in parts.ledger(customer.order(order_id))] == [1]
        statement = "SELECT captured_minor FROM payments.payments WHERE order_id = %(id)s"
        assert parts.rows(statement, id=order_id) == [(0,)]
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


def test_F06_worker_killed_between_the_payment_and_the_order_of_one_commit(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    parts.arm("paid", "after")
    order_id = customer.place(product, card=parts.paying("card", "succeeds"))
    wait_for_worker_kill(parts)
    assert parts.rows("SELECT captured_minor FROM payments.payments WHERE order_id = %(id)s", id=order_id) == [(0,)]
    assert customer.order(order_id)["status"] == "payment_pending"
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


def test_F49_a_webhook_while_no_worker_runs_is_processed_later(parts: Shop) -> None:
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card="tok_answers_later_2")
    customer.wait_for_event(order_id, "payment_waiting")
    parts.stack.kill("workers")
    reported = (
        "SELECT count(*) FROM payments.inbox i JOIN payments.payments p ON p.id = i.payment_id WHERE order_id = %(id)s"
    )
    until(lambda: parts.rows(reported, id=order_id), lambda found: found[0][0] > 0)
    assert customer.order(order_id)["status"] == "payment_pending"
    parts.stack.start("workers")
    assert_confirmed_once(parts, customer, order_id, product)


def test_F55_a_cancel_after_the_charging_worker_was_killed_refunds_the_charge(parts: Shop) -> None:
    """The provider charged, but the result was not recorded: the cancel finds the charge and refunds it once."""
    customer, product = parts.customer(), parts.product()
    order_id = customer.place(product, card="tok_succeeds_3")
    until(lambda: intents(parts, order_id), lambda count: count == 1)
    parts.stack.kill("workers")
    assert answered(customer.step(order_id, "cancel"), 202)["status"] == "cancelling"
    parts.stack.start("workers")
    order = customer.wait_for_end(order_id)
    assert order["status"] == parts.outcome(order_id) == "cancelled"
    assert parts.stock(product) == (STOCK, 0, 0)
    (charge,) = parts.ledger(order)
    assert (charge["captures"], len(charge["refunds"])) == (1, 1)
