"""Parses and validates requests to the payment provider as YooKassa does."""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.datastructures import QueryParams

from sandbox.standins.provider.ledger import Filter
from sandbox.standins.provider.test_cards import Instrument, card_instrument, phone_instrument
from sandbox.standins.provider.yookassa_json import JsonObject, invalid_request

VALUE = re.compile(r"\d{1,15}(\.\d{1,4})?")
CURRENCY = re.compile(r"[A-Z]{3}")
PHONE = re.compile(r"\+?\d{7,15}")
TIME_LIMITS = {"created_at.gte": ">=", "created_at.gt": ">", "created_at.lte": "<=", "created_at.lt": "<"}


@dataclass(frozen=True)
class PaymentRequest:
    """A request for a payment; `value` is a decimal string, `return_url` the redirect after the confirmation page."""

    instrument: Instrument
    value: str
    currency: str
    metadata: dict[str, str]
    description: str | None
    return_url: str | None


@dataclass(frozen=True)
class RefundRequest:
    """A request for a refund."""

    payment_id: str
    value: str
    currency: str
    description: str | None


@dataclass(frozen=True)
class ListRequest:
    """A request for a page of a list: the filter, and the page size (1 to 100)."""

    filter_: Filter
    limit: int


def read_payment(body: JsonObject) -> PaymentRequest:
    """Parse a payment request. Raises ApiError 400 that names the invalid parameter."""
    if body.get("capture") is not True:
        raise invalid_request("Only payments with capture: true are supported", "capture")
    value, currency = _amount(body)
    return PaymentRequest(_instrument(body), value, currency, _metadata(body), _description(body), _return_url(body))


def read_refund(body: JsonObject) -> RefundRequest:
    """Parse a refund request. Raises ApiError 400 that names the invalid parameter."""
    value, currency = _amount(body)
    return RefundRequest(_text(body, "payment_id"), value, currency, _description(body))


def read_list(query: QueryParams, fields: tuple[str, ...]) -> ListRequest:
    """Parse a list request with limits on `created_at` and filters on `fields`. Raises ApiError 400."""
    filter_ = Filter()
    for name, sign in TIME_LIMITS.items():
        if name in query:
            filter_ = filter_.also(f"created_ms {sign} ?", _unix_ms(query[name], name))
    for name in fields:
        if name in query:
            filter_ = filter_.also(f"{name} = ?", query[name])
    if "cursor" in query:
        filter_ = filter_.also("seq < ?", _integer(query["cursor"], "cursor", 2**62))
    return ListRequest(filter_, _integer(query.get("limit", "10"), "limit", 100))


def _amount(body: JsonObject) -> tuple[str, str]:
    given = body.get("amount")
    if not isinstance(given, dict):
        raise invalid_request("An amount is missing", "amount")
    value, currency = given.get("value"), given.get("currency")
    if not isinstance(value, str) or not VALUE.fullmatch(value) or not Decimal(value):
        raise invalid_request("The value must be a positive decimal string", "amount.value")
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        raise invalid_request("The currency must be three capital letters", "amount.currency")
    return value, currency


def _instrument(body: JsonObject) -> Instrument:
    if "payment_token" in body:
        return card_instrument(_text(body, "payment_token"))
    data = body.get("payment_method_data")
    if not isinstance(data, dict):
        raise invalid_request("A payment_token or payment_method_data is missing", "payment_method_data")
    if data.get("type") != "mobile_balance":
        raise invalid_request("The only supported type is mobile_balance", "payment_method_data.type")
    phone = data.get("phone")
    if not isinstance(phone, str) or not PHONE.fullmatch(phone):
        raise invalid_request("The phone is not in ITU-T E.164", "payment_method_data.phone")
    return phone_instrument(phone)


def _metadata(body: JsonObject) -> dict[str, str]:
    given: Any = body.get("metadata") or {}
    valid = isinstance(given, dict) and len(given) <= 16
    if not valid or not all(len(k) <= 32 and isinstance(v, str) and len(v) <= 512 for k, v in given.items()):
        raise invalid_request("Metadata must be at most 16 short strings by name", "metadata")
    return dict(given)


def _description(body: JsonObject) -> str | None:
    given = body.get("description")
    if given is not None and (not isinstance(given, str) or len(given) > 128):
        raise invalid_request("The description must be a string of at most 128 characters", "description")
    return given


def _return_url(body: JsonObject) -> str | None:
    confirmation = body.get("confirmation")
    if not isinstance(confirmation, dict) or confirmation.get("type") != "redirect":
        return None
    given = confirmation.get("return_url")
    if not isinstance(given, str) or not given.startswith(("http://", "https://")):
        raise invalid_request("A redirect needs a return_url", "confirmation.return_url")
    return given


def _text(body: JsonObject, name: str) -> str:
    given = body.get(name)
    if not isinstance(given, str) or not given:
        raise invalid_request(f"{name} is missing", name)
    return given


def _unix_ms(text: str, name: str) -> int:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise invalid_request("The time is not in ISO 8601", name) from None
    if moment.tzinfo is None:
        raise invalid_request("The time has no offset from UTC", name)
    return round(moment.timestamp() * 1000)


def _integer(text: str, name: str, maximum: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= maximum:
        raise invalid_request(f"{name} must be a number from 1 to {maximum}", name)
    return int(text)
