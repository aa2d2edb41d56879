"""The table of operations: found by key, with the problems that follow from a stored key."""

from __future__ import annotations

import pytest

from api.access.operations import OPERATIONS, KeyUse, find_operation, methods_of
from api.problems.problem_details import TYPES


def test_an_operation_is_found_by_method_and_path() -> None:
    assert find_operation("POST /orders").success == (201,)
    with pytest.raises(LookupError, match="has no row for 'PUT /orders'"):
        find_operation("PUT /orders")


def test_methods_of_a_path() -> None:
    assert methods_of("/orders") == ["GET", "HEAD", "POST"]
    assert methods_of("/products/{productId}") == ["GET", "HEAD", "PATCH"]
    assert methods_of("/nothing") == []


def test_a_stored_key_can_be_in_use_or_reused() -> None:
    reused = {"idempotency-key-reused", "idempotency-in-progress"}
    for key, row in OPERATIONS.items():
        assert (reused <= set(row.all_problems)) is (row.key is KeyUse.STORED), key


def test_every_problem_of_an_operation_is_a_type() -> None:
    for key, row in OPERATIONS.items():
        assert {*row.all_problems, *row.statuses} <= TYPES.keys(), key
        assert row.statuses.keys() <= set(row.all_problems), key


def test_only_operations_that_create_have_a_location() -> None:
    assert [key for key, row in OPERATIONS.items() if row.location and row.success[0] != 201] == []
