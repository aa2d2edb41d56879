"""The default alphabet of SMS (GSM 03.38, 3GPP TS 23.038, section 6.2.1), in which a segment has 160 characters."""

from __future__ import annotations

#: Each takes one septet; the escape character is left out.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Each takes two septets.
_EXTENSION = frozenset("\f^{}\\[~]|€")


def septets(text: str) -> int | None:
    """How many septets the text takes; None when it has another character, so that a segment has 70 (UCS-2)."""
    if not _BASIC.union(_EXTENSION).issuperset(text):
        return None
    return len(text) + sum(char in _EXTENSION for char in text)
