"""Invalid requests get an error that names the parameter."""

import pytest

from tests.sandbox.standins.clients import Shop, refusal, rub


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"amount": None}, "amount"),
        ({"amount": {"value": 100, "currency": "RUB"}}, "amount.value"),
        ({"amount": rub("0.00")}, "amount.value"),
        ({"amount": rub("-1.00")}, "amount.value"),
        ({"amount": {"value": "1.00", "currency": "rub"}}, "amount.currency"),
        ({"capture": False}, "capture"),
        ({"payment_token": None}, "payment_method_data"),
        ({"payment_token": None, "payment_method_data": {"type": "bank_card"}}, "payment_method_data.type"),
        (
            {"payment_token": None, "payment_method_data": {"type": "mobile_balance", "phone": "12"}},
            "payment_method_data.phone",
        ),
        ({"metadata": {"reference": 1}}, "metadata"),
        ({"description": "x" * 129}, "description"),
        ({"confirmation": {"type": "redirect", "return_url": "javascript:alert(1)"}}, "confirmation.return_url"),
    ],
)
def test_invalid_payment_request_names_the_parameter(shop: Shop, change: dict[str, object], parameter: str) -> None:
    assert refusal(shop.post_payment(**change), 400) == ("invalid_request", parameter)  # type: ignore[arg-type] # any members


@pytest.mark.parametrize(
    ("name", "value"), [("limit", "0"), ("limit", "101"), ("cursor", "x"), ("created_at.lt", "yesterday")]
)
def test_invalid_list_request_names_the_parameter(shop: Shop, name: str, value: str) -> None:
    assert refusal(shop.client.get("/payments", params={name: value}), 400) == ("invalid_request", name)
