"""Requests and responses as the models of the official SDK (PyPI `yookassa`) have them: they read what we send."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from yookassa.domain.request.payment_request import PaymentRequest
from yookassa.domain.request.refund_request import RefundRequest as SdkRefundRequest
from yookassa.domain.response import PaymentResponse, RefundResponse

from services.clock import new_id
from services.money import Money
from services.payments.gateway import Outcome, RefundRequest
from services.payments.views import Charge, Receipt, ReceiptLine
from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.method_rules import any_amount_methods
from tests.services.payments.conftest import PHONE, a_charge

REFERENCE, ORDER = new_id(), new_id()
#: As long as the provider's own ids.
PROVIDER_ID, REFUND_ID = "22e12f66-000f-5000-8000-18db351245c7", "216749f7-0016-50be-b000-078d43a63ae4"
RECEIPT = Receipt(
    lines=(ReceiptLine("Чайник " * 30, 3, 33_300, 4), ReceiptLine("Lantern", 1, 30_000, 1)),
    email="anna@example.com",
    phone="+79991234567",
    tax_system=2,
)
AMOUNT = Money(129_900, "RUB")


def a_payment(**changes: Any) -> str:
    """A payment as the SDK writes it."""
    usual = {
        "id": PROVIDER_ID,
        "status": "succeeded",
        "amount": {"value": "1299.00", "currency": "RUB"},
        "created_at": "2026-11-23T09:00:00.000Z",
        "captured_at": "2026-11-23T09:00:01.000Z",
        "paid": True,
        "refundable": True,
        "test": False,
        "recipient": {"account_id": "100500", "gateway_id": "1"},
        "payment_method": {"type": "bank_card", "id": PROVIDER_ID, "saved": False},
        "receipt_registration": "pending",
        "metadata": {"reference": str(REFERENCE), "order": str(ORDER)},
    }
    return str(PaymentResponse(usual | changes).json())


def a_refund(**changes: Any) -> str:
    usual = {
        "id": REFUND_ID,
        "payment_id": PROVIDER_ID,
        "status": "succeeded",
        "created_at": "2026-11-23T09:00:00.000Z",
        "amount": {"value": "1299.00", "currency": "RUB"},
        "description": "refund:1:1",
        "receipt_registration": "pending",
    }
    return str(RefundResponse(usual | changes).json())


def exchanged(answer: str) -> tuple[YooKassa, list[dict[str, Any]]]:
    """A gateway whose provider gives this answer, and the bodies that it receives."""
    bodies: list[dict[str, Any]] = []

    def handler(request: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(request.content))
        return httpx2.Response(200, text=answer)

    return YooKassa(
        "http://shop/v3", "1", "key", any_amount_methods(1, 1), transport=httpx2.MockTransport(handler)
    ), bodies


def sent(charge: Charge) -> dict[str, Any]:
    gateway, bodies = exchanged(a_payment())
    gateway.charge(REFERENCE, charge, within=1)
    return bodies[0]


def sum_of(receipt: Any) -> Decimal:
    return sum((item.quantity * item.amount.value for item in receipt.items), Decimal(0))


@pytest.mark.parametrize("phone", [None, PHONE])
def test_T176_the_sdk_reads_our_payment_with_its_receipt(phone: str | None) -> None:
    body = sent(replace(a_charge(order_id=ORDER, phone=phone), receipt=RECEIPT))

    read = PaymentRequest(body)
    read.validate()
    assert (read.amount.value, read.amount.currency, read.capture) == (Decimal("1299.00"), "RUB", True)
    assert (read.payment_token, read.confirmation.type) == (
        (None, "external") if phone else ("tok_succeeds", "redirect")
    )
    assert read.metadata == {"reference": str(REFERENCE), "order": str(ORDER)}
    assert len(read.description) <= 128
    assert (read.receipt.customer.email, read.receipt.customer.phone) == ("anna@example.com", None)
    assert read.receipt.tax_system_code == 2
    assert [(each.quantity, each.amount.value, each.vat_code) for each in read.receipt.items] == [
        (Decimal(3), Decimal("333.00"), 4),
        (Decimal(1), Decimal("300.00"), 1),
    ]
    assert [len(each.description) for each in read.receipt.items] == [128, 7]
    assert sum_of(read.receipt) == read.amount.value


def test_T176_without_an_address_the_receipt_goes_to_the_phone() -> None:
    body = sent(replace(a_charge(), receipt=replace(RECEIPT, email=None, tax_system=None)))

    read = PaymentRequest(body)
    read.validate()
    assert (read.receipt.customer.email, read.receipt.customer.phone) == (None, "79991234567")
    assert read.receipt.tax_system_code is None


def test_T176_the_sdk_reads_our_refund_with_its_receipt() -> None:
    gateway, bodies = exchanged(a_refund())
    request = RefundRequest("refund:1:1", PROVIDER_ID, AMOUNT, RECEIPT)
    made = gateway.refund(request, within=1)

    read = SdkRefundRequest(bodies[0])
    read.validate()
    assert (read.payment_id, read.description, read.amount.value) == (PROVIDER_ID, "refund:1:1", Decimal("1299.00"))
    assert sum_of(read.receipt) == read.amount.value
    assert (made.provider_id, made.outcome, made.amount, made.key) == (
        REFUND_ID,
        Outcome.SUCCEEDED,
        AMOUNT,
        "refund:1:1",
    )


def test_without_receipts_nothing_of_them_is_sent() -> None:
    assert "receipt" not in sent(a_charge())


@pytest.mark.parametrize(
    ("changes", "outcome", "failure", "url"),
    [
        ({"refunded_amount": {"value": "99.00", "currency": "RUB"}}, Outcome.SUCCEEDED, None, None),
        (
            {"status": "pending", "confirmation": {"type": "redirect", "confirmation_url": "https://yoomoney.ru/3ds"}},
            Outcome.PENDING,
            None,
            "https://yoomoney.ru/3ds",
        ),
        ({"status": "pending", "confirmation": {"type": "external"}}, Outcome.PENDING, None, None),
        (
            {"status": "pending", "confirmation": {"type": "mobile_application", "confirmation_url": "bank100://pay"}},
            Outcome.PENDING,
            None,
            None,
        ),
        (
            {
                "status": "canceled",
                "cancellation_details": {"party": "payment_network", "reason": "insufficient_funds"},
            },
            Outcome.FAILED,
            "insufficient_funds",
            None,
        ),
    ],
    ids=str,
)
def test_T172_we_read_the_payments_that_the_sdk_writes(
    changes: dict[str, Any], outcome: Outcome, failure: str | None, url: str | None
) -> None:
    gateway, _ = exchanged(a_payment(**changes))
    made = gateway.charge(REFERENCE, a_charge(order_id=ORDER), within=1)
    assert (made.provider_id, made.outcome, made.amount) == (PROVIDER_ID, outcome, AMOUNT)
    assert (made.failure_code, made.confirmation_url) == (failure, url)
    assert (made.reference, made.order_id) == (REFERENCE, ORDER)
    assert made.refunded_minor == (9_900 if "refunded_amount" in changes else 0)


@pytest.mark.parametrize(("status", "outcome"), [("pending", Outcome.PENDING), ("canceled", Outcome.FAILED)])
def test_T172_we_read_the_refunds_that_the_sdk_writes(status: str, outcome: Outcome) -> None:
    gateway, _ = exchanged(a_refund(status=status))
    made = gateway.refund(RefundRequest("refund:1:1", PROVIDER_ID, AMOUNT), within=1)
    assert (made.outcome, made.failure_code) == (outcome, "canceled" if outcome is Outcome.FAILED else None)
