"""JSON of YooKassa's API v3: objects, notifications and errors."""

import datetime
from decimal import Decimal
from typing import Any

from sandbox.standins.provider.ledger import Payment, Refund, Status, new_id
from sandbox.standins.provider.test_cards import Behaviour, Method, card_instrument

JsonObject = dict[str, Any]

METHOD_TYPES = {Method.CARD: "bank_card", Method.PHONE: "mobile_balance"}
# https://yookassa.ru/developers/payment-acceptance/after-the-payment/declined-payments
PARTIES = {"expired_on_confirmation": "yoo_money"}


class ApiError(Exception):
    """An error response: HTTP status, YooKassa's code, a description, and the invalid parameter, if any."""

    def __init__(self, status: int, code: str, description: str, parameter: str | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.body: JsonObject = {"type": "error", "id": new_id(), "code": code, "description": description}
        if parameter is not None:
            self.body["parameter"] = parameter


def invalid_request(description: str, parameter: str) -> ApiError:
    """400: nothing was done, and repeating the request will not help."""
    return ApiError(400, "invalid_request", description, parameter)


def not_found(name: str) -> ApiError:
    """404: this shop has no such payment or refund."""
    return ApiError(404, "not_found", f"{name.capitalize()} doesn't exist or access denied", f"{name}_id")


def internal_server_error() -> ApiError:
    """500: the shop cannot know whether the request took effect."""
    return ApiError(500, "internal_server_error", "Technical difficulties. The result of the request is unknown")


def timestamp(unix_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds, for example `2026-11-23T09:00:00.000Z`."""
    moment = datetime.datetime.fromtimestamp(unix_ms / 1000, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def amount(value: str, currency: str) -> JsonObject:
    """An amount in the API's format."""
    return {"value": value, "currency": currency}


def as_decimals_of(value: str, total: Decimal) -> str:
    """`total` with the same number of decimals as `value`."""
    return str(total.quantize(Decimal(value)))


def payment_object(payment: Payment, refunded: Decimal, shop_id: str, page: str) -> JsonObject:
    """The payment object; `page` is the URL of the confirmation pages without the id."""
    succeeded = payment.status is Status.SUCCEEDED
    shown: JsonObject = {
        "id": payment.id,
        "status": payment.status,
        "amount": amount(payment.value, payment.currency),
        "recipient": {"account_id": shop_id, "gateway_id": "1"},
        "payment_method": {"type": METHOD_TYPES[Method(payment.method)], "id": payment.id, "saved": False},
        "created_at": timestamp(payment.created_ms),
        "test": True,
        "paid": succeeded,
        "refundable": succeeded and refunded < Decimal(payment.value),
        "metadata": payment.metadata,
    }
    if payment.description is not None:
        shown["description"] = payment.description
    if succeeded:
        shown["captured_at"] = timestamp(payment.captured_ms or payment.created_ms)
        shown["refunded_amount"] = amount(as_decimals_of(payment.value, refunded), payment.currency)
    return shown | _confirmation(payment, page) | _cancellation(payment)


def _confirmation(payment: Payment, page: str) -> JsonObject:
    if payment.status is not Status.PENDING:
        return {}
    if payment.method == Method.PHONE:
        return {"confirmation": {"type": "external"}}
    if card_instrument(payment.instrument).behaviour is not Behaviour.CONFIRMS_ON_PAGE:
        return {}
    where = {"type": "redirect", "confirmation_url": f"{page}/{payment.id}"}
    return {"confirmation": where if payment.return_url is None else where | {"return_url": payment.return_url}}


def _cancellation(payment: Payment) -> JsonObject:
    if payment.cancel_reason is None:
        return {}
    party = PARTIES.get(payment.cancel_reason, "payment_network")
    return {"cancellation_details": {"party": party, "reason": payment.cancel_reason}}


def refund_object(refund: Refund) -> JsonObject:
    """The refund object."""
    shown: JsonObject = {
        "id": refund.id,
        "payment_id": refund.payment_id,
        "status": refund.status,
        "created_at": timestamp(refund.created_ms),
        "amount": amount(refund.value, refund.currency),
    }
    if refund.description is not None:
        shown["description"] = refund.description
    if refund.status is Status.CANCELED:
        shown["cancellation_details"] = {"party": "yoo_money", "reason": "general_decline"}
    return shown


def object_list(items: list[JsonObject], next_cursor: str | None) -> JsonObject:
    """A page of objects; `next_cursor` is None on the last page."""
    page: JsonObject = {"type": "list", "items": items}
    return page if next_cursor is None else page | {"next_cursor": next_cursor}


SIGNED_STATUSES = {Status.PENDING: "pending", Status.SUCCEEDED: "succeeded", Status.CANCELED: "failed"}


def signed_message(payment: Payment, status: str) -> JsonObject:
    """The body of a signed webhook; identifies the payment by the shop's reference."""
    shown: JsonObject = {
        "paymentId": payment.reference,
        "status": status,
        "amount": payment.value,
        "currency": payment.currency,
    }
    if payment.cancel_reason is None:
        return shown
    return shown | {"failureCode": payment.cancel_reason, "failureMessage": "The payment did not succeed."}


def notification(event: str, shown: JsonObject) -> JsonObject:
    """The body of a native webhook: an event such as `payment.succeeded` with its object."""
    return {"type": "notification", "event": event, "object": shown}
