"""The JSON of a fiscal receipt in a request to YooKassa."""

from __future__ import annotations

from services.money import Money
from services.payments.views import Receipt, ReceiptLine
from services.payments.yookassa.objects import MAX_DESCRIPTION, JsonObject

#: Most lines of one receipt: of the provider's own receipts; other registers take 100.
MAX_LINES = 80


def receipt_body(receipt: Receipt, currency: str) -> JsonObject:
    """https://yookassa.ru/developers/payment-acceptance/receipts/54fz/other-services/parameters-values"""
    customer: JsonObject = {"email": receipt.email} if receipt.email else {"phone": (receipt.phone or "")[1:]}
    body: JsonObject = {"customer": customer, "items": [_item(line, currency) for line in receipt.lines]}
    return body if receipt.tax_system is None else body | {"tax_system_code": receipt.tax_system}


def _item(line: ReceiptLine, currency: str) -> JsonObject:
    return {
        "description": line.description[:MAX_DESCRIPTION],
        "quantity": f"{line.quantity}.000",
        # of one unit
        "amount": {"value": Money(line.price_minor, currency).text, "currency": currency},
        "vat_code": line.vat_code,
        "measure": "piece",
        "payment_subject": "commodity",
        "payment_mode": "full_payment",
    }
