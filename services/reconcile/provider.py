"""I13: compares the provider's lists of payments and refunds with ours, both ways, slice by slice of the window."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, Generic, TypeVar

from services.db import Database
from services.errors import Unavailable
from services.payments.gateway import Gateway, GatewayError, ProviderPayment, ProviderRefund
from services.reconcile.findings import Check, Findings
from services.reconcile.scope import Deadline, Progress, Scope, reason_of

#: What is listed at once. The provider's clock and a repeated charge move an object by less than that.
SLICE = timedelta(hours=6)
#: Objects of the provider whose rows are read at once.
BATCH = 500
#: Disagreements that are looked at again, one by one; more of them are reported as they are.
LOOKED_AT_AGAIN = 100

Reported = TypeVar("Reported", ProviderPayment, ProviderRefund)


@dataclass
class Comparison(ABC, Generic[Reported]):
    """One kind of object, compared both ways. What is younger than the lag may be under way, and is left out."""

    database: Database
    gateway: Gateway
    deadline: Deadline
    progress: Progress = lambda _: None
    found: Findings = field(default_factory=Findings)
    compared: int = 0
    looks_left: int = LOOKED_AT_AGAIN

    description: ClassVar[str]

    def run(self, scope: Scope) -> Check:
        """Compare the window. What cannot be compared says so in the result."""
        try:
            self._run(scope)
        except Unavailable as trouble:
            return self._result(reason_of(trouble))
        except GatewayError as trouble:
            return self._result(self._reason(trouble))
        return self._result()

    @abstractmethod
    def listed(self, since: datetime, before: datetime) -> Iterator[Reported]:
        """The provider's objects that were created at or after `since` and before `before`."""

    @abstractmethod
    def compare(self, batch: Sequence[Reported]) -> int:
        """Add what our rows contradict; returns how many of the objects are ours."""

    @abstractmethod
    def find_missing(self, since: datetime, before: datetime, known: set[str]) -> None:
        """Add our rows of that time whose id at the provider is not among `known`."""

    def may_look_again(self) -> bool:
        """Whether one more disagreement may be looked at again."""
        self.looks_left -= 1
        return self.looks_left >= 0

    def _run(self, scope: Scope) -> None:
        since, before = self._window(scope)
        # The slices before and after are listed too: an object may be in the one and its row in the other.
        recent: deque[set[str]] = deque(maxlen=3)
        for start in _starts(since - SLICE, before):
            recent.append(self._compare_slice(start, since, before))
            if start > since:
                self.find_missing(start - SLICE, min(start, before), set().union(*recent))

    def _compare_slice(self, start: datetime, since: datetime, before: datetime) -> set[str]:
        listed = self.listed(start, start + SLICE)
        ids: set[str] = set()
        while batch := list(islice(listed, BATCH)):
            ids.update(one.provider_id for one in batch)
            self.compared += self.compare([one for one in batch if since <= one.created_at < before])
            self.progress(f"I13: {self.compared:,} compared: {self.description}")
        return ids

    def _window(self, scope: Scope) -> tuple[datetime, datetime]:
        with self.database.snapshot(self.deadline.left()) as tx:
            now: datetime = tx.fetch_value("SELECT now()")
        return now - timedelta(seconds=scope.since), now - timedelta(seconds=scope.lag)

    def _result(self, unchecked: str | None = None) -> Check:
        return self.found.as_check("I13", self.description, self.compared, unchecked)

    def _reason(self, trouble: GatewayError) -> str:
        try:
            self.deadline.left()
        except Unavailable as over:
            return reason_of(over)
        return f"The payment provider cannot be asked: {trouble}."


def _starts(first: datetime, before: datetime) -> Iterator[datetime]:
    """The start of every slice until the first one after `before`."""
    start = first
    while start < before + SLICE:
        yield start
        start += SLICE
