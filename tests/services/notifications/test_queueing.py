"""Queueing: one row a key, sealed, and the dispatcher is woken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import psycopg

from services.clock import new_id
from services.notifications.service import NotificationService
from tests.services.notifications.conftest import Rows, a_notice


def test_one_row_a_key_under_parallel_calls(service: NotificationService, rows: Rows) -> None:
    notices = [a_notice(phones=["+79991234567"]) for _ in range(5)]
    together = Barrier(32)

    def queue(turn: int) -> int:
        together.wait()
        return service.queue_order_notifications(notices if turn % 2 else notices[::-1])

    with ThreadPoolExecutor(32) as pool:
        new = list(pool.map(queue, range(32)))

    assert sum(new) == 10
    assert len({row.key for row in rows()}) == len(rows()) == 10


def test_keys_name_order_event_and_channel(service: NotificationService, rows: Rows) -> None:
    order_id = new_id()
    service.queue_order_notifications([a_notice("paid", order_id=order_id, phones=["+79991234567", "+79997654321"])])
    start = f"notify:{order_id}:paid"
    assert [row.key for row in rows()] == [f"{start}:email", f"{start}:sms", f"{start}:sms:order"]
    assert {row.order_id for row in rows()} == {order_id}


def test_a_buyer_without_email_gets_texts_only(service: NotificationService, rows: Rows) -> None:
    assert service.queue_order_notifications([a_notice(email=None, phones=["+79991234567"])]) == 1
    assert [row.channel for row in rows()] == ["sms"]


def test_nothing_to_tell_is_no_row(service: NotificationService, rows: Rows) -> None:
    assert service.queue([]) == []
    assert service.queue_order_notifications([a_notice(email=None)]) == 0
    assert rows() == []


def test_what_people_said_is_sealed(service: NotificationService, rows: Rows) -> None:
    service.queue_order_notifications([a_notice(phones=["+79991234567"])])
    stored = repr(rows())
    assert not [word for word in ("anna", "9991234567", "Анна", "1999") if word in stored]


def test_the_dispatcher_is_woken_when_a_message_is_stored(service: NotificationService, database_url: str) -> None:
    notice = a_notice()
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN notifications")
        service.queue_order_notifications([notice])
        assert [word.channel for word in listener.notifies(timeout=5, stop_after=1)] == ["notifications"]
        service.queue_order_notifications([notice])
        assert list(listener.notifies(timeout=0.2)) == []
