"""What is kept of the reference of a refund made by hand when its buyer is forgotten: the numbers that books need."""

from __future__ import annotations

import re
from collections.abc import Iterable

#: A word of letters, digits and `- / . : # _`, with three digits at least: a number of a transfer, document or day.
_NUMBER = re.compile(r"(?=(?:\D*\d){3})[^\W_][\w/.:#-]{3,}")
_AROUND = ".,;:()[]'\"«»№#"
#: Digits in a row by which a part of a phone number is recognized.
_PART_OF_PHONE = 7


def without_prose(reference: str, phones: Iterable[str] = ()) -> str:
    """The words of a reference that are numbers, in their order; empty when it has none.

    Left out are all other words, which may be names, and numbers that have seven digits in common with one of the
    person's `phones`. An e-mail address, and a number that begins with `+`, is no word of this form.
    """
    known = [_digits(phone) for phone in phones]
    words = (word.strip(_AROUND) for word in reference.split())
    return " ".join(word for word in words if _NUMBER.fullmatch(word) and not _is_phone(_digits(word), known))


def _is_phone(digits: str, phones: list[str]) -> bool:
    parts = {digits[start : start + _PART_OF_PHONE] for start in range(len(digits) - _PART_OF_PHONE + 1)}
    return any(part in phone for part in parts for phone in phones)


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))
