"""The amounts and currencies that the real provider takes for each payment method."""

from decimal import Decimal

from sandbox.standins.provider.request_checks import PaymentRequest
from sandbox.standins.provider.test_cards import Method
from sandbox.standins.provider.yookassa_json import invalid_request

CURRENCY = "RUB"
#: Roubles. https://yookassa.ru/developers/payment-methods/other/mobile-balance
LIMITS = {Method.CARD: (Decimal(1), None), Method.PHONE: (Decimal(10), Decimal(15_000))}


def check_limits(request: PaymentRequest) -> None:
    """Raise ApiError 400 for a payment that the real provider would refuse."""
    if request.currency != CURRENCY:
        raise invalid_request(f"The currency of this shop is {CURRENCY}", "amount.currency")
    low, high = LIMITS[request.instrument.method]
    if Decimal(request.value) < low or (high is not None and Decimal(request.value) > high):
        raise invalid_request("The amount is out of the limits of the payment method", "amount.value")
