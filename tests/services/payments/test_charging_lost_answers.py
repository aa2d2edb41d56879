"""Charges with lost answers: a look-up comes before every retry, and the provider charges once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.standins.running import StandIns
from services.db import Database
from services.errors import Unavailable
from services.payments.call_budget import CallBudget
from services.payments.gateway import GatewayUnavailable, GatewayUnknown
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus
from services.payments.views import Charge, PaymentView
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway, Killed
from tests.services.payments.conftest import ProviderLedger, a_charge

CLAIM = 5


def charged(service: PaymentService, charge: Charge) -> PaymentView:
    """Charge, and require a decided payment."""
    view = service.charge(charge)
    assert not view.undecided, "the provider has decided this payment"
    return view


def test_F34_a_lost_answer_of_a_charge_is_looked_up(
    service: PaymentService,
    short_budget_service: PaymentService,
    ledger: ProviderLedger,
    gateway: FaultyGateway,
    clock: FakeClock,
    database: Database,
) -> None:
    charge = a_charge("tok_times_out_charged")
    lost = short_budget_service.charge(charge)
    assert (lost.status, lost.captured_minor) == (PaymentStatus.UNKNOWN, 0)
    assert 0 < lost.retry_after <= CLAIM
    clock.set_from_database(database, CLAIM + 1)
    assert charged(service, charge).status is PaymentStatus.SUCCEEDED
    assert (gateway.calls, ledger.charges(lost.id)) == (["charge", "look_up"], ["succeeded"])


def test_F35_a_lost_request_is_charged_again(
    service: PaymentService,
    short_budget_service: PaymentService,
    ledger: ProviderLedger,
    gateway: FaultyGateway,
    clock: FakeClock,
    database: Database,
) -> None:
    charge = a_charge("tok_times_out_not_charged")
    lost = short_budget_service.charge(charge)
    assert (lost.status, ledger.charges(lost.id)) == (PaymentStatus.UNKNOWN, [])
    clock.set_from_database(database, CLAIM + 1)
    assert charged(service, charge).id == lost.id
    assert (gateway.calls, ledger.charges(lost.id)) == (["charge", "look_up", "charge"], ["succeeded"])


def test_F35_refresh_charges_again_only_with_a_retry(
    service: PaymentService,
    short_budget_service: PaymentService,
    ledger: ProviderLedger,
    clock: FakeClock,
    database: Database,
) -> None:
    first, second = a_charge("tok_times_out_not_charged"), a_charge("tok_times_out_not_charged")
    given_up, retried = short_budget_service.charge(first), short_budget_service.charge(second)
    clock.set_from_database(database, CLAIM + 1)
    failed = service.refresh(given_up.id)
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "not_charged")
    assert service.refresh(retried.id, second).status is PaymentStatus.SUCCEEDED
    assert (ledger.charges(given_up.id), ledger.charges(retried.id)) == ([], ["succeeded"])


def test_F36_an_error_after_the_charge_is_looked_up(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge("tok_error_after_charge")
    lost = service.charge(charge)
    assert lost.status is PaymentStatus.UNKNOWN
    clock.set_from_database(database, CLAIM + 1)
    assert service.refresh(lost.id, charge).status is PaymentStatus.SUCCEEDED
    assert (gateway.calls, ledger.charges(lost.id)) == (["charge", "look_up"], ["succeeded"])


def test_F40_nothing_is_looked_up_or_charged_during_a_claim(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge("tok_ignores_keys")
    gateway.after["charge"] = GatewayUnknown("lost")
    lost = service.charge(charge)
    clock.set_from_database(database, CLAIM - 2)
    for _ in range(3):
        waiting = service.charge(charge)
        assert (waiting.status, service.refresh(lost.id, charge).id) == (PaymentStatus.UNKNOWN, lost.id)
        assert 0 < waiting.retry_after < CLAIM
    assert gateway.calls == ["charge"]
    clock.set_from_database(database, CLAIM + 1)
    assert charged(service, charge).status is PaymentStatus.SUCCEEDED
    assert ledger.charges(lost.id) == ["succeeded"]


def test_F40_one_of_many_concurrent_retries_charges(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge("tok_ignores_keys")
    gateway.before["charge"] = GatewayUnknown("lost on the way there")
    lost = service.charge(charge)
    clock.set_from_database(database, CLAIM + 1)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: service.charge(charge), range(20)))
    assert gateway.calls.count("charge") == 1
    assert service.get(lost.id).status is PaymentStatus.SUCCEEDED
    assert ledger.charges(lost.id) == ["succeeded"]


@pytest.mark.parametrize("card", ["tok_succeeds", "tok_ignores_keys", "tok_declines"])
def test_F05_F06_killed_after_the_answer_and_before_it_is_recorded(
    service: PaymentService,
    ledger: ProviderLedger,
    gateway: FaultyGateway,
    clock: FakeClock,
    database: Database,
    card: str,
) -> None:
    charge = a_charge(card)
    gateway.after["charge"] = Killed()
    with pytest.raises(Killed):
        service.charge(charge)
    pending = service.charge(charge)
    assert (pending.status, pending.provider_id) == (PaymentStatus.PENDING, None)
    clock.set_from_database(database, CLAIM + 1)
    assert charged(service, charge).id == pending.id
    assert (gateway.calls, len(ledger.charges(pending.id))) == (["charge", "look_up"], 1)


def test_F04_killed_before_the_charge_request(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge("tok_ignores_keys")
    gateway.before["charge"] = Killed()
    with pytest.raises(Killed):
        service.charge(charge)
    clock.set_from_database(database, CLAIM + 1)
    assert ledger.charges(charged(service, charge).id) == ["succeeded"]


def test_F11_a_process_that_was_suspended_does_not_charge(
    database: Database, gateway: FaultyGateway, clock: FakeClock, service: PaymentService
) -> None:
    asleep = PaymentService(database.with_clock(clock), gateway, call_budget=CallBudget(call=0))
    charge = a_charge()
    with pytest.raises(Unavailable):
        asleep.charge(charge)
    assert gateway.calls == []
    assert service.charge(charge).status is PaymentStatus.SUCCEEDED
    assert gateway.calls == ["look_up", "charge"]


def test_F37_no_call_before_the_providers_retry_after(
    service: PaymentService, ledger: ProviderLedger, gateway: FaultyGateway, clock: FakeClock, database: Database
) -> None:
    charge = a_charge()
    gateway.before["charge"] = GatewayUnavailable("busy", retry_after=60)
    with pytest.raises(Unavailable) as raised:
        service.charge(charge)
    assert raised.value.retry_after == 60
    clock.set_from_database(database, 50)
    waiting = service.charge(charge)
    assert waiting.status is PaymentStatus.PENDING
    assert 0 < waiting.retry_after <= 10
    assert gateway.calls == []
    clock.set_from_database(database, 61)
    assert charged(service, charge).status is PaymentStatus.SUCCEEDED


def test_F41_an_unreachable_provider(
    service: PaymentService, ledger: ProviderLedger, standins: StandIns, clock: FakeClock, database: Database
) -> None:
    charge = a_charge()
    standins.outage("payments", 60)
    try:
        lost = service.charge(charge)
        assert lost.status is PaymentStatus.UNKNOWN
        clock.set_from_database(database, CLAIM + 1)
        with pytest.raises(Unavailable):
            service.charge(charge)
        with pytest.raises(Unavailable):
            service.refresh(lost.id)
        with pytest.raises(Unavailable):
            service.undo(charge.order_id)
    finally:
        standins.outage("payments", 0)
    undone = service.undo(charge.order_id)
    assert (undone.done, undone.refunded_minor) == (True, 0)
    assert service.get(lost.id).failure_code == "not_charged"
    assert ledger.charges(lost.id) == []


def test_a_charge_that_the_provider_rejects_is_failed(service: PaymentService) -> None:
    view = service.charge(a_charge(phone="+7900"))
    assert (view.status, view.failure_code, view.captured_minor) == (PaymentStatus.FAILED, "invalid_request", 0)
