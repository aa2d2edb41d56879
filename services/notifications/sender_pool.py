"""Threads that send the messages of one channel: as many as the pace of the server needs."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class SenderPool:
    """Lives as long as the service, which closes it.

    A batch starts with as many threads as the last one needed, less one if the last one never needed more. So a fast
    server gets all mails from one thread over one connection, and a slow one from many.
    """

    def __init__(self, name: str, least: int, most: int, *, grow_after: float = 0.05) -> None:
        """`least`, `most`: threads that a batch has; `grow_after`: seconds that items wait until one is added."""
        self._executor = ThreadPoolExecutor(most, name)
        self._least = least
        self._most = most
        self._grow_after = grow_after
        #: threads that the next batch starts with
        self.senders = least

    def map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """The result of `work` for each item, in the order of the items. Raises what `work` raises, once all ended."""
        batch = _Batch(work, items)
        begun = min(self.senders, batch.waiting)
        senders = [self._executor.submit(batch.work_off) for _ in range(begun)]
        self._grow(senders, batch)
        wait(senders)
        for sender in senders:
            sender.result()
        self.senders = len(senders) if len(senders) > begun else max(self._least, self.senders - 1)
        return batch.results

    def close(self) -> None:
        """End the threads after the items that they have."""
        self._executor.shutdown()

    def _grow(self, senders: list[Future[None]], batch: _Batch[Item, Result]) -> None:
        while batch.waiting and len(senders) < self._most and wait(senders, self._grow_after).not_done:
            if batch.waiting:
                senders.append(self._executor.submit(batch.work_off))


class _Batch(Generic[Item, Result]):
    """Items that several threads take one by one."""

    def __init__(self, work: Callable[[Item], Result], items: Iterable[Item]) -> None:
        self._work = work
        self._items = deque(enumerate(items))
        self._results: dict[int, Result] = {}

    @property
    def waiting(self) -> int:
        """Items that no thread has taken yet."""
        return len(self._items)

    @property
    def results(self) -> list[Result]:
        """The results in the order of the items."""
        return [self._results[place] for place in sorted(self._results)]

    def work_off(self) -> None:
        """Take items until none is left."""
        while True:
            try:
                place, item = self._items.popleft()
            except IndexError:
                return
            self._results[place] = self._work(item)
