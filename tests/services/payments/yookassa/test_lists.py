"""The provider's own lists of payments and refunds, page by page, from the stand-in provider."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from sandbox.standins.running import StandIns
from services.clock import new_id
from services.money import Money
from services.payments.gateway import GatewayUnknown, Outcome, PaymentLookup, ProviderPayment, RefundRequest
from services.payments.yookassa.gateway import YooKassa
from tests.sandbox.standins.clients import Shop, body_of, new_key, rub
from tests.services.payments.conftest import a_charge

WITHIN = 5.0
#: The resolution of the provider's clock.
TICK = timedelta(milliseconds=1)
#: More than one page of the provider's lists.
MANY = 101


@pytest.fixture
def provider_page(standins: StandIns) -> Iterator[Shop]:
    """The provider's own page: payments and refunds that are not made by us."""
    page = Shop(standins)
    yield page
    page.client.close()


def paid(yookassa: YooKassa, card: str = "tok_succeeds") -> ProviderPayment:
    return yookassa.charge(new_id(), a_charge(card, amount_minor=10_000), within=WITHIN)


def a_request(payment: ProviderPayment, minor: int) -> RefundRequest:
    return RefundRequest(f"refund:{payment.reference}:1", payment.provider_id, Money(minor, "RUB"))


def since(moment: datetime, yookassa: YooKassa) -> list[ProviderPayment]:
    return list(yookassa.list_payments(moment, datetime.now(UTC) + TICK, within=WITHIN))


def test_a_listed_payment_is_the_one_that_a_look_up_returns(yookassa: YooKassa) -> None:
    order_id, reference = new_id(), new_id()
    made = yookassa.charge(reference, a_charge(order_id=order_id, amount_minor=10_000), within=WITHIN)
    yookassa.refund(a_request(made, 3_000), within=WITHIN)

    (listed,) = [each for each in since(made.created_at, yookassa) if each.provider_id == made.provider_id]
    search = PaymentLookup(reference, made.provider_id, (), made.created_at, made.created_at)
    assert listed == yookassa.look_up(search, within=WITHIN)
    assert (listed.reference, listed.order_id, listed.created_at.tzinfo) == (reference, order_id, UTC)
    assert (listed.outcome, listed.captured_minor, listed.refunded_minor) == (Outcome.SUCCEEDED, 10_000, 3_000)


def test_a_payment_that_was_not_captured_has_no_captured_amount(yookassa: YooKassa) -> None:
    declined = paid(yookassa, "tok_declines")

    (listed,) = [each for each in since(declined.created_at, yookassa) if each.provider_id == declined.provider_id]
    assert (listed.outcome, listed.captured_minor, listed.refunded_minor) == (Outcome.FAILED, 0, 0)


def test_the_list_begins_at_its_start_and_ends_before_its_end(yookassa: YooKassa) -> None:
    made = paid(yookassa)

    def listed(created_from: datetime, created_to: datetime) -> bool:
        found = yookassa.list_payments(created_from, created_to, within=WITHIN)
        return made.provider_id in [each.provider_id for each in found]

    at = made.created_at
    assert (listed(at, at + TICK), listed(at + TICK, at + 2 * TICK), listed(at - TICK, at)) == (True, False, False)


def test_more_than_one_page_of_payments_and_refunds(yookassa: YooKassa) -> None:
    payments = [paid(yookassa) for _ in range(MANY)]
    refunds = [yookassa.refund(a_request(payment, 100), within=WITHIN) for payment in payments]
    ends = datetime.now(UTC) + TICK

    listed = list(yookassa.list_payments(payments[0].created_at, ends, within=WITHIN))
    assert [each.provider_id for each in listed] == [each.provider_id for each in reversed(payments)]
    refunded = list(yookassa.list_refunds(refunds[0].created_at, ends, within=WITHIN))
    assert refunded == refunds[::-1]


def test_a_refund_made_on_the_providers_page_has_no_key(yookassa: YooKassa, provider_page: Shop) -> None:
    payment, other = paid(yookassa), paid(yookassa)
    ours = yookassa.refund(a_request(payment, 3_000), within=WITHIN)
    foreign = body_of(provider_page.post_refund(payment.provider_id, "20.00"))
    yookassa.refund(a_request(other, 1_000), within=WITHIN)

    listed = list(yookassa.list_refunds_of(payment.provider_id, within=WITHIN))
    assert [(each.provider_id, each.key, each.amount.minor) for each in listed] == [
        (foreign["id"], None, 2_000),
        (ours.provider_id, f"refund:{payment.reference}:1", 3_000),
    ]
    assert {each.payment_provider_id for each in listed} == {payment.provider_id}


@pytest.mark.parametrize("metadata", [None, {}, {"reference": "4711"}], ids=str)
def test_a_payment_of_somebody_else_has_no_reference(
    yookassa: YooKassa, provider_page: Shop, metadata: dict[str, str] | None
) -> None:
    began = datetime.now(UTC) - TICK
    foreign = provider_page.pay(metadata=metadata)

    (listed,) = [each for each in since(began, yookassa) if each.provider_id == foreign["id"]]
    assert listed.reference is None


def test_a_malformed_payment_of_somebody_else_hides_none_of_ours(yookassa: YooKassa, provider_page: Shop) -> None:
    made = paid(yookassa)
    foreign = provider_page.pay(amount=rub("1.001"), metadata=None)
    search = PaymentLookup(made.reference or new_id(), None, (), made.created_at, datetime.now(UTC))

    assert yookassa.look_up(search, within=WITHIN) == made
    listed = [each.provider_id for each in since(made.created_at, yookassa)]
    assert made.provider_id in listed
    assert foreign["id"] not in listed


def test_a_malformed_payment_of_ours_counts_as_no_answer(yookassa: YooKassa, provider_page: Shop) -> None:
    """A look-up that skipped it would find nothing, and the payment would be charged again."""
    reference = new_key()
    now = datetime.now(UTC)
    provider_page.pay(amount=rub("1.001"), metadata={"reference": reference})

    with pytest.raises(GatewayUnknown):
        yookassa.look_up(PaymentLookup(UUID(reference), None, (), now, now), within=WITHIN)
