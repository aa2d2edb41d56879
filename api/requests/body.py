"""Strict JSON bodies: limited in size and depth, UTF-8, without duplicate members, NaN or U+0000."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from starlette.requests import Request

from services.errors import Invalid, MarketError

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20
# Longer numbers, and numbers with a larger exponent, exceed every limit of the contract, are slow to convert, and
# overflow in arithmetic. They become infinite, which no field accepts.
_MAX_DIGITS = 100
_BEYOND = Decimal("Infinity")


class StrictRequest(Request):
    """A request with a limited body and strict JSON."""

    _bytes: bytes | None = None
    _value: object = None

    async def body(self) -> bytes:
        """The raw body. Raises PayloadTooLarge above 64 KiB, also without Content-Length."""
        if self._bytes is None:
            self._bytes = await self._bounded()
        return self._bytes

    async def json(self) -> Any:
        """The value that `read_json` parsed."""
        return self._value

    async def read_json(self, *, required: bool) -> None:
        """Read and check the body; an empty body needs no content type when no body is `required`.

        Raises PayloadTooLarge, UnsupportedMediaType, MalformedJson, and Invalid for JSON that is nested too deep.
        """
        body = await self.body()
        if body or required:
            self._demand_json()
            self._value = parse(body)

    def _demand_json(self) -> None:
        media_type, _, parameters = self.headers.get("content-type", "").partition(";")
        charset = parameters.strip().lower().replace('"', "")
        if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
            raise UnsupportedMediaType("Send Content-Type: application/json.")

    def refuse_announced(self) -> None:
        """Check Content-Length before the body is read. Raises PayloadTooLarge."""
        announced = self.headers.get("content-length", "0")
        if not announced.isdecimal() or int(announced[:20]) > MAX_BYTES:
            raise PayloadTooLarge(f"A body has at most {MAX_BYTES} bytes.")

    async def _bounded(self) -> bytes:
        body = bytearray()
        async for chunk in self.stream():
            body += chunk
            if len(body) > MAX_BYTES:
                raise PayloadTooLarge(f"A body has at most {MAX_BYTES} bytes.")
        return bytes(body)


def parse(body: bytes) -> object:
    """Parse JSON; fractions become Decimal, and numbers beyond 100 digits Infinity.

    Raises MalformedJson, Invalid (depth, U+0000).
    """
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=_fraction,
        )
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise MalformedJson("The body is not valid JSON.") from None
    _inspect(value)
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("An object has a duplicate member.")
    return found


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedJson("NaN and Infinity are not JSON.")


def _integer(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= _MAX_DIGITS else _BEYOND


def _fraction(digits: str) -> Decimal:
    if len(digits) > _MAX_DIGITS:
        return _BEYOND
    try:
        fraction = Decimal(digits)
    except InvalidOperation:
        return _BEYOND
    return fraction if abs(fraction.adjusted()) <= _MAX_DIGITS else _BEYOND


def _inspect(value: object) -> None:
    """Refuse values that PostgreSQL or a later parser would not accept: depth, lone surrogates, U+0000."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        _inspect_texts(level)
        level = [inner for each in level for inner in _inside(each)]
    _inspect_texts(level)
    if any(isinstance(each, dict | list) for each in level):
        raise _too_deep()


def _inspect_texts(level: list[object]) -> None:
    for each in level:
        if isinstance(each, str):
            _inspect_text(each)


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _inspect_text(text: str) -> None:
    if "\x00" in text:
        raise Invalid("U+0000 cannot be stored.")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise MalformedJson("A string has an unpaired surrogate.") from None


def _too_deep() -> Invalid:
    return Invalid(f"The body is nested deeper than {MAX_DEPTH}.")


class PayloadTooLarge(MarketError):
    """A body above the size limit of the contract."""

    code = "payload-too-large"


class UnsupportedMediaType(MarketError):
    """A body whose content type is not `application/json`."""

    code = "unsupported-media-type"


class MalformedJson(MarketError):
    """A body that is not valid JSON by the strict rules."""

    code = "malformed-json"
