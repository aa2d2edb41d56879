"""The body of a new payment: what its method needs, and nothing of the other."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from api.payments.schemas import CreatePayment

PAYMENT = {"orderId": str(UUID(int=1)), "amount": "10.00", "currency": "RUB"}
TOKEN, PHONE = {"cardToken": "tok"}, {"phone": "+79991234567"}


@pytest.mark.parametrize("members", [{"method": "card", **TOKEN}, {"method": "phone", **PHONE}])
def test_accepted(members: dict[str, Any]) -> None:
    assert CreatePayment.model_validate(PAYMENT | members).method == members["method"]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"method": "card"}, "card-token-needed"),
        ({"method": "phone", **PHONE, **TOKEN}, "card-token-needed"),
        ({"method": "card", **TOKEN, **PHONE}, "phone-needed"),
        ({"method": "phone"}, "phone-needed"),
        ({"method": "cash"}, "enum"),
    ],
)
def test_refused(members: dict[str, Any], code: str) -> None:
    with pytest.raises(ValidationError) as raised:
        CreatePayment.model_validate(PAYMENT | members)
    assert raised.value.errors()[0]["type"] == code
