"""Requests to the payment provider, read and checked as YooKassa checks them."""

import datetime
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from starlette.datastructures import QueryParams

from sandbox.standins.provider.ledger import Filter
from sandbox.standins.provider.test_cards import Script, card_script, phone_script
from sandbox.standins.provider.yookassa_json import JsonObject, invalid_request

VALUE = re.compile(r"\d{1,15}(\.\d{1,4})?")
CURRENCY = re.compile(r"[A-Z]{3}")
PHONE = re.compile(r"\+?\d{7,15}")
TIME_LIMITS = {"created_at.gte": ">=", "created_at.gt": ">", "created_at.lte": "<=", "created_at.lt": "<"}


@dataclass(frozen=True)
class PaymentRequest:
    """A payment to be made; `value` is decimal text, `return_url` where the buyer goes after a confirmation page."""

    script: Script
    value: str
    currency: str
    metadata: dict[str, str]
    description: str | None
    return_url: str | None


@dataclass(frozen=True)
class RefundRequest:
    """Money to be given back from a payment."""

    payment_id: str
    value: str
    currency: str
    description: str | None


@dataclass(frozen=True)
class ListRequest:
    """A page of a list: what is wanted, and how many (1 to 100)."""

    wanted: Filter
    limit: int


def read_payment(body: JsonObject) -> PaymentRequest:
    """Raises Refusal 400 that names the parameter at fault."""
    if body.get("capture") is not True:
        raise invalid_request("Only payments with capture: true are made here", "capture")
    value, currency = _amount(body)
    return PaymentRequest(_script(body), value, currency, _metadata(body), _description(body), _return_url(body))


def read_refund(body: JsonObject) -> RefundRequest:
    """Raises Refusal 400 that names the parameter at fault."""
    value, currency = _amount(body)
    return RefundRequest(_text(body, "payment_id"), value, currency, _description(body))


def read_list(query: QueryParams, fields: tuple[str, ...]) -> ListRequest:
    """A page of what lies within the limits of `created_at` and has these `fields`. Raises Refusal 400."""
    wanted = Filter()
    for name, sign in TIME_LIMITS.items():
        if name in query:
            wanted = wanted.also(f"created_ms {sign} ?", _unix_ms(query[name], name))
    for name in fields:
        if name in query:
            wanted = wanted.also(f"{name} = ?", query[name])
    if "cursor" in query:
        wanted = wanted.also("seq < ?", _whole(query["cursor"], "cursor", 2**62))
    return ListRequest(wanted, _whole(query.get("limit", "10"), "limit", 100))


def _amount(body: JsonObject) -> tuple[str, str]:
    given = body.get("amount")
    if not isinstance(given, dict):
        raise invalid_request("An amount is missing", "amount")
    value, currency = given.get("value"), given.get("currency")
    if not isinstance(value, str) or not VALUE.fullmatch(value) or not Decimal(value):
        raise invalid_request("The value is a positive decimal in a string", "amount.value")
    if not isinstance(currency, str) or not CURRENCY.fullmatch(currency):
        raise invalid_request("The currency is three capital letters", "amount.currency")
    return value, currency


def _script(body: JsonObject) -> Script:
    if "payment_token" in body:
        return card_script(_text(body, "payment_token"))
    data = body.get("payment_method_data")
    if not isinstance(data, dict):
        raise invalid_request("A payment_token or payment_method_data is missing", "payment_method_data")
    if data.get("type") != "mobile_balance":
        raise invalid_request("The only type here is mobile_balance", "payment_method_data.type")
    phone = data.get("phone")
    if not isinstance(phone, str) or not PHONE.fullmatch(phone):
        raise invalid_request("The phone is not in ITU-T E.164", "payment_method_data.phone")
    return phone_script(phone)


def _metadata(body: JsonObject) -> dict[str, str]:
    given: Any = body.get("metadata") or {}
    fine = isinstance(given, dict) and len(given) <= 16
    if not fine or not all(len(k) <= 32 and isinstance(v, str) and len(v) <= 512 for k, v in given.items()):
        raise invalid_request("Metadata is at most 16 short texts by name", "metadata")
    return dict(given)


def _description(body: JsonObject) -> str | None:
    given = body.get("description")
    if given is not None and (not isinstance(given, str) or len(given) > 128):
        raise invalid_request("The description is a text of at most 128 characters", "description")
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


def _whole(text: str, name: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise invalid_request(f"{name} is a number from 1 to {most}", name)
    return int(text)
