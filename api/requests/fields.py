"""Types of fields in requests; each refuses with a code and a fixed message that never contains the value."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import pycountry
from fastapi import Depends, Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictInt,
    StrictStr,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError, PydanticKnownError

from services.order_number import end_of_id
from services.pasted_text import clean_line, clean_text, forbidden_character

MAX_TEXT = 200
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.IGNORECASE | re.ASCII)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_TOKEN = re.compile(r"[\x21-\x7e]{1,255}")
_SEPARATORS = re.compile(r"[\s\-–—._/]+")
# XK (Kosovo) is assigned by users of ISO 3166-1, not by the standard; post and banks use it.
_COUNTRIES = frozenset(country.alpha_2 for country in pycountry.countries) | {"XK"}


class Body(BaseModel):
    """A JSON body: camelCase, strict types, no unknown members."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _an_object(cls, value: Any) -> Any:
        # FastAPI validates from attributes: `[]` would be accepted where every member is optional.
        if isinstance(value, dict | cls):
            return value
        raise PydanticCustomError("not-an-object", "This must be an object.")


class Shape(BaseModel):
    """A JSON response: camelCase."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)


class EmptyBody(Body):
    """An empty object, for operations that need no body."""


def _uuid(value: Any) -> Any:
    if isinstance(value, str) and _UUID.fullmatch(value):
        return UUID(value)
    raise PydanticCustomError("not-a-uuid", "This must be a UUID of 36 characters, with dashes.")


def _moment(value: Any) -> Any:
    try:
        moment = datetime.fromisoformat(value) if _MOMENT.fullmatch(value) else None
    except (TypeError, ValueError):
        moment = None
    # A conversion to another time zone must not leave the years that datetime supports.
    if moment is None or not 1970 <= moment.year <= 9000:
        raise PydanticCustomError("not-a-moment", "This must be a timestamp like 2026-01-31T12:00:00Z.")
    return moment


def _integer(value: Any) -> Any:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise PydanticCustomError("not-an-integer", "This must be an integer.")


def _printable(text: str, allowed: str = "") -> str:
    if found := forbidden_character(text, allowed):
        raise PydanticCustomError("unprintable-text", "{character} is not allowed.", {"character": found})
    return text


def _order_number(value: Any) -> Any:
    try:
        return end_of_id(value)
    except (TypeError, ValueError):
        raise PydanticCustomError("not-an-order-number", "This must be an order number like 9F3A-21C4.") from None


def _line_or_empty(text: str) -> str:
    line = _printable(clean_line(text))
    if len(line) > MAX_TEXT:  # a line break becomes two characters
        raise PydanticKnownError("string_too_long", {"max_length": MAX_TEXT})
    return line


def _line(text: str) -> str:
    line = _line_or_empty(text)
    if not line:
        raise PydanticCustomError("blank-text", "This cannot be blank.")
    return line


def _note(text: str) -> str:
    return _printable(clean_text(text), allowed="\n\r\t")


def _country(code: str) -> str:
    if code not in _COUNTRIES:
        raise PydanticCustomError("not-a-country", "This must be an ISO 3166-1 alpha-2 code like RU.")
    return code


def _card(token: str) -> str:
    if _is_card_number(token):
        raise PydanticCustomError(
            "card-number-not-accepted", "Send the token of the payment form, never a card number."
        )
    if not _TOKEN.fullmatch(token):
        raise PydanticCustomError("not-a-token", "A payment token has 1 to 255 visible ASCII characters.")
    return token


def _is_card_number(text: str) -> bool:
    """Luhn's check (ISO/IEC 7812-1, annex B) over 12 to 19 digits of any script, however they are grouped."""
    bare = _SEPARATORS.sub("", text[:255])
    if not (12 <= len(bare) <= 19 and bare.isdecimal()):
        return False
    digits = [unicodedata.decimal(char) for char in reversed(bare)]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


#: A UUID with dashes, 36 characters.
Id = Annotated[UUID, BeforeValidator(_uuid, json_schema_input_type=UUID)]
#: An RFC 3339 timestamp in a query.
Moment = Annotated[datetime, BeforeValidator(_moment, json_schema_input_type=datetime)]
#: An integer in a query, where every value is text.
Integer = Annotated[int, BeforeValidator(_integer, json_schema_input_type=int)]
#: The number of an order in a query, as a person types it; read as the end of the order's id.
OrderNumber = Annotated[
    str, BeforeValidator(_order_number, json_schema_input_type=Annotated[str, Field(min_length=8, max_length=40)])
]
#: The id of a payment in a query: ours, or the provider's.
PaymentName = Annotated[StrictStr, Field(pattern="^[0-9A-Za-z_-]{1,80}$", max_length=80)]
#: Text from a person as one line, without invisible characters.
Text = Annotated[StrictStr, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_line)]
#: The same, but it may be empty.
TextOrEmpty = Annotated[StrictStr, Field(max_length=MAX_TEXT), AfterValidator(_line_or_empty)]
PostalCode = Annotated[StrictStr, Field(max_length=20), AfterValidator(_line_or_empty)]
#: Text to search a list for.
SearchText = Annotated[StrictStr, Field(min_length=1, max_length=100), AfterValidator(_line)]
#: Several lines of text from a person, without invisible characters; may be empty.
Note = Annotated[StrictStr, Field(max_length=500), AfterValidator(_note)]
Country = Annotated[
    StrictStr, Field(min_length=2, max_length=2, json_schema_extra={"pattern": "^[A-Z]{2}$"}), AfterValidator(_country)
]
CardToken = Annotated[StrictStr, Field(min_length=1, max_length=255), AfterValidator(_card)]
#: A phone number as a person types it; services convert it to E.164.
PhoneText = Annotated[StrictStr, Field(min_length=1, max_length=40)]
#: A URL in which `{orderId}` may stand for the id of the order.
ReturnUrl = Annotated[StrictStr, Field(min_length=8, max_length=1024)]
#: A timestamp in a response: RFC 3339, UTC, `Z`.
Utc = Annotated[datetime, PlainSerializer(_utc, return_type=str)]
#: Units of an order line.
Quantity = Annotated[StrictInt, Field(ge=1, le=1_000_000)]
OrderId = Annotated[Id, Path(alias="orderId")]
ProductId = Annotated[Id, Path(alias="productId")]


async def _accept_no_body(body: EmptyBody | None = None) -> None:
    del body


#: For a POST without input; `{}` is accepted too.
NO_BODY = Depends(_accept_no_body)
