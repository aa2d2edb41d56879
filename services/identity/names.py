"""What may be somebody's name: any writing, taken literally, but nothing that bends the text around it."""

from __future__ import annotations

import unicodedata

from services.errors import Invalid

#: Code points of a first or last name.
MAX_NAME = 100
# Controls, formats (bidi overrides, zero-width), surrogates, line and paragraph separators, private use.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co"})
# Persian and the Indic scripts cannot be written without them.
_JOINERS = "\u200c\u200d"


def checked_name(name: str, pointer: str) -> str:
    """The name exactly as given. Raises Invalid at `pointer`: empty, too long, or with control characters."""
    if len(name) > MAX_NAME:
        raise Invalid(f"A name has at most {MAX_NAME} characters.", pointer=pointer)
    if any(unicodedata.category(char) in _REFUSED and char not in _JOINERS for char in name):
        raise Invalid("A name cannot hold control or text direction characters.", pointer=pointer)
    if not name.strip(" \u00a0" + _JOINERS):
        raise Invalid("A name cannot be empty.", pointer=pointer)
    return name
