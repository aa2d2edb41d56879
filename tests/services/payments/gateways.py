"""A gateway between the service and the stand-in that can lose, repeat or break what passes through it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from services.payments.gateway import (
    Gateway,
    Hint,
    MethodRules,
    ProviderPayment,
    ProviderRefund,
    RefundOrder,
    Search,
)
from services.payments.views import Charge, Method


@dataclass
class Interposed:
    """Passes everything on; raises what `before` or `after` hold for the next call of that name, and counts calls."""

    inner: Gateway
    before: dict[str, BaseException] = field(default_factory=dict)
    after: dict[str, BaseException] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    #: the provider does not find payments, although it has them
    hidden: bool = False
    #: look-ups of refunds wait here for each other, so that all have seen the same before one goes on
    meeting: threading.Barrier | None = None

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def methods(self) -> Mapping[Method, MethodRules]:
        return self.inner.methods

    def charge(self, reference: UUID, charge: Charge, *, within: float) -> ProviderPayment:
        self._raise("charge", self.before)
        self.calls.append("charge")
        told = self.inner.charge(reference, charge, within=within)
        self._raise("charge", self.after)
        return told

    def look_up(self, search: Search, *, within: float) -> ProviderPayment | None:
        self._raise("look_up", self.before)
        self.calls.append("look_up")
        return None if self.hidden else self.inner.look_up(search, within=within)

    def refund(self, order: RefundOrder, *, within: float) -> ProviderRefund:
        self._raise("refund", self.before)
        self.calls.append("refund")
        told = self.inner.refund(order, within=within)
        self._raise("refund", self.after)
        return told

    def look_up_refund(self, order: RefundOrder, provider_id: str | None, *, within: float) -> ProviderRefund | None:
        self.calls.append("look_up_refund")
        told = self.inner.look_up_refund(order, provider_id, within=within)
        if self.meeting is not None:
            self.meeting.wait(timeout=30)
        return told

    def read_webhook(self, headers: Mapping[str, str], body: bytes, source: str | None) -> Hint | None:
        return self.inner.read_webhook(headers, body, source)

    @staticmethod
    def _raise(name: str, planned: dict[str, BaseException]) -> None:
        if name in planned:
            raise planned.pop(name)


class Killed(BaseException):
    """The process is gone between two lines."""
