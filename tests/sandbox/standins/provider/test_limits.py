"""The amounts and currencies of the real provider, when PAYMENT_LIMITS is `live`."""

from collections.abc import Iterator

import pytest

from sandbox.standins.running import running_stand_ins
from tests.sandbox.standins.clients import Json, Shop, refusal, rub

PHONE = {"payment_token": None, "payment_method_data": {"type": "mobile_balance", "phone": "79000000001"}}


@pytest.fixture(scope="module")
def live_shop() -> Iterator[Shop]:
    with running_stand_ins(PAYMENT_LIMITS="live") as running:
        shop = Shop(running)
        yield shop
        shop.client.close()


@pytest.mark.parametrize(
    ("amount", "method", "parameter"),
    [
        (rub("9.99"), PHONE, "amount.value"),
        (rub("10.00"), PHONE, None),
        (rub("15000.00"), PHONE, None),
        (rub("15000.01"), PHONE, "amount.value"),
        (rub("0.99"), {}, "amount.value"),
        (rub("20000.00"), {}, None),
        ({"value": "20.00", "currency": "USD"}, {}, "amount.currency"),
    ],
    ids=str,
)
def test_T174_the_stand_in_refuses_what_the_real_provider_refuses(
    live_shop: Shop, amount: Json, method: Json, parameter: str | None
) -> None:
    answer = live_shop.post_payment(amount=amount, **method)
    if parameter is None:
        assert answer.status_code == 200
    else:
        assert refusal(answer, 400) == ("invalid_request", parameter)


def test_without_it_any_amount_is_taken(shop: Shop) -> None:
    assert shop.post_payment(amount={"value": "0.01", "currency": "USD"}).status_code == 200
