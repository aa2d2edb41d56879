"""Validates first and last names: any script is allowed, control and formatting characters are not."""

from __future__ import annotations

import unicodedata

from services.errors import Invalid

#: Most code points of a first or last name.
MAX_NAME = 100
# Controls, formats (bidirectional overrides, zero-width), surrogates, line and paragraph separators, private use.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co"})
# Persian and the Indic scripts need these format characters.
_JOINERS = "\u200c\u200d"


def checked_name(name: str, pointer: str) -> str:
    """The name unchanged. Raises Invalid at `pointer`: empty, too long, or with control characters."""
    if len(name) > MAX_NAME:
        raise Invalid(f"A name has at most {MAX_NAME} characters.", pointer=pointer)
    if any(unicodedata.category(char) in _REFUSED and char not in _JOINERS for char in name):
        raise Invalid("A name cannot contain control or text direction characters.", pointer=pointer)
    if not name.strip(" \u00a0" + _JOINERS):
        raise Invalid("A name cannot be empty.", pointer=pointer)
    return name
