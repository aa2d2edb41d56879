"""Cleans text that people paste: removes characters that cannot be seen, and names those that are not allowed."""

from __future__ import annotations

import re
import unicodedata

# Unicode's Default_Ignorable_Code_Point, without the two groups below: soft hyphen, zero-width space, BOM, direction
# marks, embeddings and isolates, fillers, tags.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202c\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
# Invisible by themselves, but Persian, the Indic scripts, Japanese names and emoji need them: joiners, variations.
_JOINING = "\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
#: Characters that reverse the order of the text after them, so that a person reads another text than a program.
OVERRIDES = "\u202d\u202e"
# Controls, line and paragraph separators, annotations, surrogates, private use, noncharacters. Characters that Unicode
# has not assigned yet are allowed: Python's table is older than the emoji of a new phone.
_FORBIDDEN = "\0-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff"
_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(15) for last in (0xFFFE, 0xFFFF))

_REMOVED = re.compile(f"[{_INVISIBLE}]")
_REMOVED_FROM_IDENTIFIERS = re.compile(f"[{_INVISIBLE}{_JOINING}]")
_NOT_ALLOWED = re.compile(f"[{_FORBIDDEN}{_NONCHARACTERS}{OVERRIDES}]")
# What phones, maps and spreadsheets write at the end of a line; a vertical tab is a line break within a cell.
_LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")
_TABS = re.compile(" *\t[ \t]*")
_UNNAMED = {"Cc": "CONTROL CHARACTER", "Cs": "SURROGATE", "Co": "PRIVATE USE CHARACTER", "Cn": "NONCHARACTER"}


def clean_text(text: str) -> str:
    """The text without invisible characters and without white space around it; empty when nothing of it is visible."""
    return _REMOVED.sub("", text).strip() if clean_identifier(text).strip() else ""


def clean_line(text: str) -> str:
    """As `clean_text`, on one line: line breaks become `, `, tabs spaces."""
    lines = [line.strip() for line in _LINE_END.split(clean_text(text))]
    lines = [line for line in lines if line]
    joined = ", ".join([*(line.rstrip(" ,") for line in lines[:-1]), *lines[-1:]])
    return _TABS.sub(" ", joined)


def clean_identifier(text: str) -> str:
    """An e-mail address, a phone number or the like without any invisible character."""
    return _REMOVED_FROM_IDENTIFIERS.sub("", text)


def forbidden_character(text: str, allowed: str = "") -> str | None:
    """The first character that no text may have, such as `U+202E RIGHT-TO-LEFT OVERRIDE`; None when there is none."""
    found = next((match[0] for match in _NOT_ALLOWED.finditer(text) if match[0] not in allowed), None)
    if found is None:
        return None
    return f"U+{ord(found):04X} {unicodedata.name(found, _UNNAMED.get(unicodedata.category(found), ''))}".strip()
