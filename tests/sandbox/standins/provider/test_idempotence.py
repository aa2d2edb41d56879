"""Idempotence keys of the stand-in: one object a key, and a reused key with another body is refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from sandbox.standins.provider.idempotence import SCHEMA, IdempotenceStore, KeyReused, key_of


@pytest.fixture
def store() -> Iterator[IdempotenceStore]:
    with closing(sqlite3.connect(":memory:")) as db:
        db.row_factory = sqlite3.Row
        db.executescript(SCHEMA)
        yield IdempotenceStore(db)


def test_a_key_finds_its_object_whatever_the_order_of_members(store: IdempotenceStore) -> None:
    store.save(key_of("payments", "k", {"a": 1, "b": 2}), "p-1")
    assert store.find(key_of("payments", "k", {"b": 2, "a": 1})) == "p-1"
    assert store.find(key_of("refunds", "k", {"a": 1, "b": 2})) is None


def test_a_key_with_another_body_is_refused(store: IdempotenceStore) -> None:
    store.save(key_of("payments", "k", {"a": 1}), "p-1")
    with pytest.raises(KeyReused):
        store.find(key_of("payments", "k", {"a": 2}))


def test_attempts_are_counted_by_subject(store: IdempotenceStore) -> None:
    assert [store.count("p-1"), store.count("p-1"), store.count("p-2")] == [1, 2, 1]
