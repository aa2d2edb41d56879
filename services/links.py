"""Finds what a program that shows a message may turn into a link (T134)."""

from __future__ import annotations

import re
import unicodedata

# Signs that join letters are shown by no program, and other full stops are read as one in domain names (UTS 46).
_PLAIN = str.maketrans({"\u200c": None, "\u200d": None, "\u3002": "."})
_LINK = re.compile(
    r"""
      @ | :// | \bwww\. | \b(?:mailto|tel|sms|callto|javascript|data|file):
    | [^\s.]\.(?:[^\W\d_]{2}|xn--)             # a domain: two letters of any script follow a full stop
    | (?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)     # an IPv4 address
    """,
    re.VERBOSE,
)
# A full stop, and what NFKC and domain names read as one, before something that it could join to a link.
_STOP = re.compile(r"([.\u2024\u3002\ufe52\uff0e\uff61])(?=\S)")


def has_link(text: str) -> bool:
    """True for a text with a URL, an e-mail address, a domain or an IP address, also in the middle of a word."""
    return _LINK.search(unicodedata.normalize("NFKC", text).translate(_PLAIN).casefold()) is not None


def without_links(text: str) -> str:
    """The text with a space after each full stop if it has a link (`evil. example`); empty if it then still has one."""
    if not has_link(text):
        return text
    spaced = _STOP.sub(r"\1 ", text)
    return "" if has_link(spaced) else spaced
