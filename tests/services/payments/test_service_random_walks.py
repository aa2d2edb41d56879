"""Random sequences of calls: no double charge, no refund above the captured amount, no unknown result at the end."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.clock import new_id
from services.db import Database
from services.errors import MarketError
from services.money import Money
from services.payments.call_budget import CallBudget
from services.payments.gateway import Outcome
from services.payments.service import PaymentService
from services.payments.views import Charge, PaymentStatusReport, PaymentView
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import Behaviour, FakeGateway, Killed
from tests.services.payments.conftest import a_charge

#: Number of sequences; set `MONEY_PATHS=2000` for a thorough run.
SEQUENCES = int(os.environ.get("MONEY_PATHS", "60"))
LONGEST = 50

WALKS = st.lists(
    st.one_of(
        st.tuples(st.just("charge"), st.sampled_from(Behaviour)),
        st.tuples(st.just("charge_again"), st.sampled_from(Behaviour)),
        st.tuples(st.just("refresh"), st.sampled_from(Behaviour)),
        st.tuples(st.just("undo"), st.sampled_from(Behaviour)),
        st.tuples(st.just("refund_late"), st.sampled_from(Behaviour)),
        st.tuples(st.just("refund_some"), st.sampled_from(Behaviour)),
        st.tuples(st.just("decide"), st.sampled_from([Outcome.SUCCEEDED, Outcome.FAILED])),
        st.tuples(st.just("wait"), st.sampled_from([1, 6, 400])),
        st.tuples(st.just("report"), st.sampled_from([Money(129_900, "RUB"), Money(100, "RUB")])),
    ),
    max_size=LONGEST,
)


class Walk:
    """A sequence of calls for the payments of one order."""

    def __init__(self, database: Database, *, deduplicates: bool) -> None:
        self.gateway = FakeGateway(deduplicates=deduplicates)
        self.clock = FakeClock.now()
        self.service = PaymentService(
            database.with_clock(self.clock), self.gateway, call_budget=CallBudget(refund_retry_delay=0)
        )
        self.order_id: UUID = new_id()
        self.attempt = 1

    def step(self, name: str, how: object) -> None:
        """Make one call, which may fail or be killed, and check the invariants."""
        if isinstance(how, Behaviour):
            self.gateway.behaviour = how
        with suppress(MarketError, Killed):
            if isinstance(how, Outcome):
                self.gateway.decide_pending(how)
            elif isinstance(how, int):
                self.clock.move(seconds=how)
            elif isinstance(how, Money):
                self.service.receive_report(str(new_id()), self._last().id, PaymentStatusReport("succeeded", how))
            else:
                self._calls()[name]()
        self.check()

    def end(self) -> None:
        """Let the provider work and the order be cancelled: then no money is kept and no payment is undecided."""
        self.gateway.behaviour = Behaviour.SUCCEEDS
        self.gateway.decide_pending(Outcome.SUCCEEDED)
        for _ in range(20):
            self.clock.move(seconds=400)
            for payment in self.payments():
                self.service.refresh(payment.id)
            if self.service.undo(self.order_id).done:
                break
        self.check()
        for payment in self.payments():
            assert not payment.undecided
            assert payment.captured_minor == payment.refunded_minor
            assert self.kept(payment) == 0
        for payment in self.payments():
            assert payment.captured_minor == payment.amount.minor * self.gateway.captures(payment.id)

    def check(self) -> None:
        """Check the invariants that hold after every call."""
        payments = self.payments()
        for payment in payments:
            assert self.gateway.captures(payment.id) <= 1
            assert self.kept(payment) >= 0
            assert 0 <= payment.refunded_minor <= payment.captured_minor
            assert payment.refunded_minor <= self.gateway.refunded(payment.id)
        assert len([one for one in payments if one.captured_minor > one.refunded_minor and not one.captured_late]) <= 1

    def kept(self, payment: PaymentView) -> int:
        """Minor units that the provider captured and did not refund."""
        return payment.amount.minor * self.gateway.captures(payment.id) - self.gateway.refunded(payment.id)

    def payments(self) -> list[PaymentView]:
        return self.service.of_order(self.order_id)

    def _calls(self) -> dict[str, Callable[[], object]]:
        return {
            "charge": self._charge,
            "charge_again": self._charge_next,
            "refresh": lambda: self.service.refresh(self._last().id, self._due()),
            "undo": lambda: self.service.undo(self.order_id),
            "refund_late": lambda: self.service.refund_late(self._last().id),
            "refund_some": lambda: self.service.refund(self.order_id, self._last().id, Money(30_000, "RUB")),
        }

    def _charge(self) -> object:
        return self.service.charge(self._due())

    def _charge_next(self) -> object:
        self.attempt += 1
        return self._charge()

    def _due(self) -> Charge:
        return a_charge(order_id=self.order_id, attempt=self.attempt)

    def _last(self) -> PaymentView:
        found = self.payments()
        if not found:
            raise MarketError
        return found[-1]


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(walk=WALKS, deduplicates=st.booleans())
def test_no_sequence_of_calls_loses_or_doubles_money(
    all_database: Database, walk: list[tuple[str, object]], deduplicates: bool
) -> None:
    taken = Walk(all_database, deduplicates=deduplicates)
    for name, how in walk:
        taken.step(name, how)
    taken.end()
