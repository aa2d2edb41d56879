"""When nobody said what happened: wait, look, and only then ask again; the provider charges once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.standins.running import Neighbours
from services.db import Sessions
from services.errors import Unavailable
from services.payments.call_budget import CallBudget
from services.payments.gateway import GatewayUnavailable, GatewayUnknown
from services.payments.service import PaymentService
from services.payments.status import PaymentStatus
from services.payments.views import Charge, PaymentView
from tests.fakes.clock import FakeClock
from tests.fakes.gateway import FaultyGateway, Killed
from tests.services.payments.conftest import Bank, a_charge

CLAIM = 5


def charged(service: PaymentService, charge: Charge) -> PaymentView:
    """The attempt's payment, charged anew while the provider has none."""
    view = service.charge(charge)
    assert not view.undecided, "the provider should know by now"
    return view


def test_F34_no_answer_but_charged(
    service: PaymentService,
    hasty: PaymentService,
    bank: Bank,
    gateway: FaultyGateway,
    clock: FakeClock,
    sessions: Sessions,
) -> None:
    charge = a_charge("tok_times_out_charged")
    lost = hasty.charge(charge)
    assert (lost.status, lost.captured_minor) == (PaymentStatus.UNKNOWN, 0)
    assert 0 < lost.retry_after <= CLAIM
    clock.set_from_database(sessions, CLAIM + 1)
    assert charged(service, charge).status is PaymentStatus.SUCCEEDED
    assert (gateway.calls, bank.charges(lost.id)) == (["charge", "look_up"], ["succeeded"])


def test_F35_no_answer_and_not_charged_is_charged_again(
    service: PaymentService,
    hasty: PaymentService,
    bank: Bank,
    gateway: FaultyGateway,
    clock: FakeClock,
    sessions: Sessions,
) -> None:
    charge = a_charge("tok_times_out_not_charged")
    lost = hasty.charge(charge)
    assert (lost.status, bank.charges(lost.id)) == (PaymentStatus.UNKNOWN, [])
    clock.set_from_database(sessions, CLAIM + 1)
    assert charged(service, charge).id == lost.id
    assert (gateway.calls, bank.charges(lost.id)) == (["charge", "look_up", "charge"], ["succeeded"])


def test_F35_settle_charges_again_only_when_it_is_told_to(
    service: PaymentService, hasty: PaymentService, bank: Bank, clock: FakeClock, sessions: Sessions
) -> None:
    first, second = a_charge("tok_times_out_not_charged"), a_charge("tok_times_out_not_charged")
    given_up, retried = hasty.charge(first), hasty.charge(second)
    clock.set_from_database(sessions, CLAIM + 1)
    failed = service.refresh(given_up.id)
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "not_charged")
    assert service.refresh(retried.id, second).status is PaymentStatus.SUCCEEDED
    assert (bank.charges(given_up.id), bank.charges(retried.id)) == ([], ["succeeded"])


def test_F36_an_error_after_the_charge(
    service: PaymentService, bank: Bank, gateway: FaultyGateway, clock: FakeClock, sessions: Sessions
) -> None:
    charge = a_charge("tok_error_after_charge")
    lost = service.charge(charge)
    assert lost.status is PaymentStatus.UNKNOWN
    clock.set_from_database(sessions, CLAIM + 1)
    assert service.refresh(lost.id, charge).status is PaymentStatus.SUCCEEDED
    assert (gateway.calls, bank.charges(lost.id)) == (["charge", "look_up"], ["succeeded"])


def test_F40_nobody_looks_or_asks_again_before_the_first_call_is_over(
    service: PaymentService, bank: Bank, gateway: FaultyGateway, clock: FakeClock, sessions: Sessions
) -> None:
    charge = a_charge("tok_ignores_keys")
    gateway.after["charge"] = GatewayUnknown("lost")
    lost = service.charge(charge)
    clock.set_from_database(sessions, CLAIM - 2)
    for _ in range(3):
        waiting = service.charge(charge)
        assert (waiting.status, service.refresh(lost.id, charge).id) == (PaymentStatus.UNKNOWN, lost.id)
        assert 0 < waiting.retry_after < CLAIM
    assert gateway.calls == ["charge"]
    clock.set_from_database(sessions, CLAIM + 1)
    assert charged(service, charge).status is PaymentStatus.SUCCEEDED
    assert bank.charges(lost.id) == ["succeeded"]


def test_F40_one_of_many_asks_again(
    service: PaymentService, bank: Bank, gateway: FaultyGateway, clock: FakeClock, sessions: Sessions
) -> None:
    charge = a_charge("tok_ignores_keys")
    gateway.before["charge"] = GatewayUnknown("lost on the way there")
    lost = service.charge(charge)
    clock.set_from_database(sessions, CLAIM + 1)
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(lambda _: service.charge(charge), range(20)))
    assert gateway.calls.count("charge") == 1
    assert service.get(lost.id).status is PaymentStatus.SUCCEEDED
    assert bank.charges(lost.id) == ["succeeded"]


@pytest.mark.parametrize("card", ["tok_succeeds", "tok_ignores_keys", "tok_declines"])
def test_F05_F06_killed_between_the_answer_and_our_write(
    service: PaymentService, bank: Bank, gateway: FaultyGateway, clock: FakeClock, sessions: Sessions, card: str
) -> None:
    charge = a_charge(card)
    gateway.after["charge"] = Killed()
    with pytest.raises(Killed):
        service.charge(charge)
    pending = service.charge(charge)
    assert (pending.status, pending.provider_id) == (PaymentStatus.PENDING, None)
    clock.set_from_database(sessions, CLAIM + 1)
    assert charged(service, charge).id == pending.id
    assert (gateway.calls, len(bank.charges(pending.id))) == (["charge", "look_up"], 1)


def test_F04_killed_before_the_provider_was_asked(
    service: PaymentService, bank: Bank, gateway: FaultyGateway, clock: FakeClock, sessions: Sessions
) -> None:
    charge = a_charge("tok_ignores_keys")
    gateway.before["charge"] = Killed()
    with pytest.raises(Killed):
        service.charge(charge)
    clock.set_from_database(sessions, CLAIM + 1)
    assert bank.charges(charged(service, charge).id) == ["succeeded"]


def test_F11_a_process_that_slept_too_long_does_not_ask(
    sessions: Sessions, gateway: FaultyGateway, clock: FakeClock, service: PaymentService
) -> None:
    asleep = PaymentService(sessions, gateway, clock, call_budget=CallBudget(call=0))
    charge = a_charge()
    with pytest.raises(Unavailable):
        asleep.charge(charge)
    assert gateway.calls == []
    assert service.charge(charge).status is PaymentStatus.SUCCEEDED
    assert gateway.calls == ["look_up", "charge"]


def test_F37_a_busy_provider_is_left_alone_for_as_long_as_it_asks(
    service: PaymentService, bank: Bank, gateway: FaultyGateway, clock: FakeClock, sessions: Sessions
) -> None:
    charge = a_charge()
    gateway.before["charge"] = GatewayUnavailable("busy", retry_after=60)
    with pytest.raises(Unavailable) as raised:
        service.charge(charge)
    assert raised.value.retry_after == 60
    clock.set_from_database(sessions, 50)
    waiting = service.charge(charge)
    assert waiting.status is PaymentStatus.PENDING
    assert 0 < waiting.retry_after <= 10
    assert gateway.calls == []
    clock.set_from_database(sessions, 61)
    assert charged(service, charge).status is PaymentStatus.SUCCEEDED


def test_F41_a_provider_that_is_away(
    service: PaymentService, bank: Bank, neighbours: Neighbours, clock: FakeClock, sessions: Sessions
) -> None:
    charge = a_charge()
    neighbours.outage("payments", 60)
    try:
        lost = service.charge(charge)
        assert lost.status is PaymentStatus.UNKNOWN
        clock.set_from_database(sessions, CLAIM + 1)
        with pytest.raises(Unavailable):
            service.charge(charge)
        with pytest.raises(Unavailable):
            service.refresh(lost.id)
        with pytest.raises(Unavailable):
            service.undo(charge.order_id)
    finally:
        neighbours.outage("payments", 0)
    undone = service.undo(charge.order_id)
    assert (undone.done, undone.refunded_minor) == (True, 0)
    assert service.get(lost.id).failure_code == "not_charged"
    assert bank.charges(lost.id) == []


def test_a_charge_the_provider_cannot_make_is_failed(service: PaymentService) -> None:
    view = service.charge(a_charge(phone="+7900"))
    assert (view.status, view.failure_code, view.captured_minor) == (PaymentStatus.FAILED, "invalid_request", 0)
