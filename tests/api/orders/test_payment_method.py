"""The payment method of a request: a card token as it is, a mobile number in E.164."""

from __future__ import annotations

import pytest

from api.orders.payment_method import mobile, payment_method
from api.orders.request_schemas import PayOrder
from services.errors import Invalid
from services.orders.views import PaymentMethod


def test_card_phone_or_neither() -> None:
    assert payment_method(PayOrder(card="tok_1"), "RU") == PaymentMethod(card="tok_1")
    assert payment_method(PayOrder(phone="8 (999) 123-45-67"), "RU") == PaymentMethod(phone="+79991234567")
    assert payment_method(PayOrder(), "RU") is None


@pytest.mark.parametrize("phone", ["+7 495 123-45-67", "+442079460000", "12"])
def test_only_a_mobile_number_can_pay(phone: str) -> None:
    with pytest.raises(Invalid):
        mobile(phone, "RU")


def test_a_number_that_may_be_mobile_can_pay() -> None:
    assert mobile("(202) 555-0123", "US").phone == "+12025550123"
