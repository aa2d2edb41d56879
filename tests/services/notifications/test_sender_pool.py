"""The threads of a channel: few for a fast server, many for a slow one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from threading import Barrier, BrokenBarrierError

import pytest

from services.notifications.sender_pool import SenderPool


def thread_of(_: object) -> str:
    return threading.current_thread().name


def meeting(count: int, timeout: float = 5) -> Callable[[int], int]:
    """Work that ends once `count` threads do it at the same time; an error after `timeout` seconds."""
    barrier = Barrier(count, timeout=timeout)

    def work(item: int) -> int:
        barrier.wait()
        return item * item

    return work


def test_the_results_are_in_the_order_of_the_items() -> None:
    pool = SenderPool("email", 2, 4)
    assert pool.map(lambda item: item * item, range(100)) == [item * item for item in range(100)]
    assert pool.map(thread_of, []) == []


def test_fast_work_stays_on_one_thread_that_the_next_batch_uses_again() -> None:
    pool = SenderPool("email", 1, 8, grow_after=60)
    assert {name for _ in range(3) for name in pool.map(thread_of, range(5))} == {"email_0"}


def test_while_items_wait_for_a_slow_server_threads_are_added_up_to_the_most() -> None:
    assert SenderPool("email", 1, 8).map(meeting(8), range(16)) == [item * item for item in range(16)]
    with pytest.raises(BrokenBarrierError):
        SenderPool("email", 1, 2).map(meeting(3, timeout=0.3), range(6))


def test_a_batch_starts_with_the_threads_of_the_last_one_and_fast_ones_reduce_them() -> None:
    pool = SenderPool("email", 1, 4)
    pool.map(meeting(4), range(4))
    assert pool.senders == 4
    assert any(pool.map(thread_of, [1]) and pool.senders == 1 for _ in range(100))


def test_an_error_is_raised_once_every_item_has_ended() -> None:
    done: list[int] = []

    def work(item: int) -> None:
        if item == 0:
            raise KeyboardInterrupt
        done.append(item)

    with pytest.raises(KeyboardInterrupt):
        SenderPool("email", 2, 2).map(work, range(10))
    assert done == list(range(1, 10))
