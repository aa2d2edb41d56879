"""Fixtures for tests of payments: stand-in provider, service, and a check after each test that all books agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from sandbox.standins.running import StandIns, running_stand_ins
from services.clock import new_id
from services.db import Database
from services.payments.call_budget import CallBudget
from services.payments.service import PaymentService
from services.payments.status import PaymentMethodType
from services.payments.views import Charge, PaymentView
from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.method_rules import any_amount_methods
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway

CARD_TERM, PHONE_TERM = 3600, 3900
#: A phone whose payment succeeds shortly after the charge.
PHONE = "+79000000001"
#: Long enough for a call to the stand-in, short enough for tests of lost answers.
SHORT_BUDGET = CallBudget(call=1, claim=5, refund_retry_delay=0)


@pytest.fixture(scope="session")
def standins() -> Iterator[StandIns]:
    with running_stand_ins(MOMENT_SECONDS="0.1", ANSWERS_LATER_SECONDS="0.2", PHONE_ANSWER_SECONDS="0.1") as running:
        yield running


@pytest.fixture(scope="session")
def yookassa(standins: StandIns) -> Iterator[YooKassa]:
    shop_id, secret_key = standins.shop
    methods = any_amount_methods(CARD_TERM, PHONE_TERM)
    made = YooKassa(f"{standins.url}/v3", shop_id, secret_key, methods, sources=["127.0.0.0/8"])
    yield made
    made.close()


@pytest.fixture
def gateway(yookassa: YooKassa) -> FaultyGateway:
    return FaultyGateway(yookassa)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def service(
    database: Database, gateway: FaultyGateway, clock: FakeClock, standins: StandIns
) -> Iterator[PaymentService]:
    yield PaymentService(database.with_clock(clock), gateway, call_budget=CallBudget(refund_retry_delay=0))
    assert_I4_I5(database, standins)


@pytest.fixture
def short_budget_service(
    service: PaymentService, database: Database, gateway: FaultyGateway, clock: FakeClock
) -> PaymentService:
    """The same service, but with one second per call."""
    return PaymentService(database.with_clock(clock), gateway, call_budget=SHORT_BUDGET)


def a_charge(
    card: str | None = "tok_succeeds",
    *,
    order_id: UUID | None = None,
    attempt: int = 1,
    amount_minor: int = 129_900,
    currency: str = "RUB",
    phone: str | None = None,
) -> Charge:
    method = PaymentMethodType.PHONE if phone else PaymentMethodType.CARD
    token = None if phone else card
    return_url = "http://127.0.0.1/orders"
    return Charge(order_id or new_id(), attempt, amount_minor, currency, method, token, phone, return_url)


def refresh_until_decided(service: PaymentService, payment_id: UUID) -> PaymentView:
    """Look the payment up until the provider has decided; each look-up takes a few milliseconds."""
    for _ in range(3000):
        view = service.refresh(payment_id)
        if not view.undecided:
            return view
    raise AssertionError("the provider never decided")


@dataclass(frozen=True)
class ProviderLedger:
    """What the provider has recorded for a payment."""

    standins: StandIns

    def charges(self, payment_id: UUID) -> list[str]:
        """Status of every charge with our payment's id."""
        return [item["status"] for item in self.standins.ledger(str(payment_id))]

    def refunds(self, payment_id: UUID) -> list[tuple[str, str]]:
        """Amount and status of every refund of the payment."""
        items = self.standins.ledger(str(payment_id))
        return [(refund["amount"], refund["status"]) for item in items for refund in item["refunds"]]


@pytest.fixture
def ledger(standins: StandIns) -> ProviderLedger:
    return ProviderLedger(standins)


def assert_I4_I5(database: Database, standins: StandIns) -> None:
    """I4, I5: columns and ledger agree, and the provider charged once and refunded exactly what we recorded."""
    with database.transaction() as tx:
        rows = tx.fetch_all(
            """
                SELECT p.id, p.captured_minor, p.refunded_minor, p.currency,
                       coalesce(sum(l.amount_minor) FILTER (WHERE l.kind = 'charge'), 0) AS charged,
                       coalesce(-sum(l.amount_minor) FILTER (WHERE l.kind = 'refund'), 0) AS returned
                  FROM payments.payments p LEFT JOIN payments.ledger l ON l.payment_id = p.id GROUP BY p.id
                """
        )
    for row in rows:
        assert (row.charged, row.returned) == (row.captured_minor, row.refunded_minor)
        charges: list[dict[str, Any]] = standins.ledger(str(row.id))
        assert len([item for item in charges if item["status"] == "succeeded"]) <= 1
        returned = [r for item in charges for r in item["refunds"] if r["status"] == "succeeded"]
        assert sum(round(float(refund["amount"]) * 100) for refund in returned) == row.refunded_minor
