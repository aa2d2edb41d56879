"""The cancel reason of an order, by the error that ended its forward steps."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.messages import CancelReason
    from services.errors import (
        AmountMismatch,
        CurrencyMismatch,
        Invalid,
        OutOfStock,
        PaymentDeclined,
        PaymentExpired,
        ReservationClosed,
        ReservationExpired,
    )
    from workflows.compensation import ran_out_of_time, refusal_of

#: The cancel reason for each refusal of a step, by its code.
_REASONS = {
    OutOfStock.code: CancelReason.OUT_OF_STOCK,
    ReservationClosed.code: CancelReason.RESERVATION_EXPIRED,
    ReservationExpired.code: CancelReason.RESERVATION_EXPIRED,
    PaymentDeclined.code: CancelReason.PAYMENT_DECLINED,
    PaymentExpired.code: CancelReason.PAYMENT_EXPIRED,
    # The provider cannot take this amount, currency or method, charged another amount, or does not accept the request.
    AmountMismatch.code: CancelReason.PAYMENT_UNAVAILABLE,
    CurrencyMismatch.code: CancelReason.PAYMENT_UNAVAILABLE,
    Invalid.code: CancelReason.PAYMENT_UNAVAILABLE,
}


def cancel_reason(error: BaseException) -> CancelReason:
    """The reason that a failure or a cancellation gives; `internal` for a refusal that has none."""
    refusal = refusal_of(error)
    if refusal in _REASONS:
        return _REASONS[refusal]
    if ran_out_of_time(error):
        return CancelReason.PAYMENT_EXPIRED
    if refusal is None:
        # A cancellation from the CLI or the Web UI; one by the buyer has written its reason into the row before.
        return CancelReason.OPERATOR_REQUEST
    return CancelReason.INTERNAL
