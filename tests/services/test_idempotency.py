"""Idempotency keys: valid for 72 hours, then deleted."""

from __future__ import annotations

from services.clock import new_id
from services.db import Database
from services.idempotency import KEPT_HOURS, MAX_KEYS, EarlierRequest, IdempotencyStore, IdempotentRequest
from tests.fakes.clock import FakeClock

RESOURCE = new_id()


def a_request(key: str) -> IdempotentRequest:
    return IdempotentRequest.of("buyer:anna", "POST /orders", key, {"items": []})


def test_a_key_is_deleted_after_72_hours(database: Database) -> None:
    clock = FakeClock()
    store = IdempotencyStore(database.with_clock(clock))
    assert store.keep(a_request("key-1"), RESOURCE, 200) is None
    clock.set_from_database(database, KEPT_HOURS * 3600 - 10)
    assert store.delete_old(10) == 0
    assert store.keep(a_request("key-1"), new_id(), 200) == EarlierRequest(RESOURCE, 200)
    clock.move(seconds=11)
    assert store.delete_old(10) == 1
    assert store.keep(a_request("key-1"), new_id(), 200) is None


def test_at_most_a_batch_is_deleted_the_oldest_first(database: Database) -> None:
    clock = FakeClock()
    store = IdempotencyStore(database.with_clock(clock))
    for number in range(5):
        store.keep(a_request(f"key-{number}"), RESOURCE, 200)
    clock.set_from_database(database, KEPT_HOURS * 3600 + 1)
    assert store.delete_old(2) == 2
    assert database.fetch_column("SELECT key FROM idempotency.keys ORDER BY key") == ["key-2", "key-3", "key-4"]
    assert [store.delete_old(2), store.delete_old(2)] == [2, 1]


def test_a_key_that_a_request_has_locked_is_left_for_the_next_time(database: Database) -> None:
    clock = FakeClock()
    store = IdempotencyStore(database.with_clock(clock))
    store.keep(a_request("key-1"), RESOURCE, 200)
    store.keep(a_request("key-2"), RESOURCE, 200)
    clock.set_from_database(database, KEPT_HOURS * 3600 + 1)
    with database.transaction() as tx:
        tx.execute("SELECT FROM idempotency.keys WHERE key = 'key-1' FOR UPDATE")
        assert store.delete_old(10) == 1
    assert database.fetch_column("SELECT key FROM idempotency.keys") == ["key-1"]


def test_T152_a_caller_keeps_a_bounded_number_of_keys_of_one_object(database: Database) -> None:
    store = IdempotencyStore(database)
    step = f"POST /orders/{RESOURCE}/reserve"
    requests = [IdempotentRequest.of("buyer:anna", step, f"key-{number}", {}) for number in range(MAX_KEYS + 5)]
    assert {store.keep(request, RESOURCE, 202) for request in requests} == {None}
    assert database.fetch_value("SELECT count(*) FROM idempotency.keys") == MAX_KEYS
    assert store.find(requests[0]) == EarlierRequest(RESOURCE, 202)
    assert store.find(requests[-1]) is None
    assert store.keep(requests[0], RESOURCE, 200) == EarlierRequest(RESOURCE, 202)
    assert store.keep(IdempotentRequest.of("buyer:boris", step, "key-1", {}), RESOURCE, 202) is None
    assert database.fetch_value("SELECT count(*) FROM idempotency.keys") == MAX_KEYS + 1


def test_an_expired_key_is_not_found(database: Database) -> None:
    store = IdempotencyStore(database)
    store.keep(a_request("key-1"), RESOURCE, 200)
    database.execute("UPDATE idempotency.keys SET created_at = now() - interval '73 hours'")
    assert store.find(a_request("key-1")) is None
    assert store.keep(a_request("key-1"), RESOURCE, 202) is None
    assert store.find(a_request("key-1")) == EarlierRequest(RESOURCE, 202)
