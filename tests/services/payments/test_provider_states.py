"""What the provider says of an order's payments, beside our tables: read, and never recorded."""

from __future__ import annotations

import pytest

from services.clock import new_id
from services.db import Database
from services.errors import Unavailable
from services.money import Money
from services.payments.provider_states import ProviderStates
from services.payments.service import PaymentService
from services.payments.status import PaymentMethodType, PaymentStatus
from services.payments.views import Charge
from tests.fakes.gateway import Behaviour, FakeGateway


def a_charge(card: str = "tok_succeeds") -> Charge:
    return Charge(new_id(), 1, 129_900, "RUB", PaymentMethodType.CARD, card_token=card)


def test_both_sides_of_a_payment_that_was_refunded_in_part(database: Database) -> None:
    provider, charge = FakeGateway(), a_charge()
    service = PaymentService(database, provider)
    paid = service.charge(charge)
    service.refund(charge.order_id, paid.id, Money(900, "RUB"))
    (states,) = ProviderStates(database, provider).of_order(charge.order_id)
    assert states.provider
    assert (states.agree, states.ours.refunded_minor, states.provider.refunded_minor) == (True, 900, 900)
    assert states.kept_at_provider == Money(129_000, "RUB")


def test_what_only_the_provider_knows_is_shown_and_not_recorded(database: Database) -> None:
    provider, charge = FakeGateway(behaviour=Behaviour.ANSWER_LOST), a_charge()
    service = PaymentService(database, provider)
    assert service.charge(charge).status is PaymentStatus.UNKNOWN
    provider.behaviour = Behaviour.SUCCEEDS
    (states,) = ProviderStates(database, provider).of_order(charge.order_id)
    assert states.provider
    assert (states.agree, states.provider.captured_minor, states.ours.captured_minor) == (False, 129_900, 0)
    assert [each.status for each in service.of_order(charge.order_id)] == [PaymentStatus.UNKNOWN]


def test_a_charge_that_never_arrived_agrees(database: Database) -> None:
    provider, charge = FakeGateway(behaviour=Behaviour.REQUEST_LOST), a_charge()
    PaymentService(database, provider).charge(charge)
    provider.behaviour = Behaviour.SUCCEEDS
    (states,) = ProviderStates(database, provider).of_order(charge.order_id)
    assert (states.agree, states.provider, states.kept_at_provider) == (True, None, Money(0, "RUB"))


def test_a_provider_that_does_not_answer(database: Database) -> None:
    provider, charge = FakeGateway(), a_charge()
    PaymentService(database, provider).charge(charge)
    provider.behaviour = Behaviour.UNAVAILABLE
    with pytest.raises(Unavailable, match="provider cannot be reached"):
        ProviderStates(database, provider).of_order(charge.order_id)
