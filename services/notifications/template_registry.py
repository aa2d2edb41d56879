"""The templates and their variables. A new template is a line here and a file in each language's directory."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("ru", "en")

_ORDER = frozenset({"firstName", "orderId", "totalAmount", "currency"})

#: The variables of each template; exactly these must be given.
VARIABLES: Mapping[str, frozenset[str]] = {
    "order_created": _ORDER,
    "order_paid": _ORDER,
    "order_confirmed": _ORDER,
    "order_cancelled": _ORDER | {"reason"},
    "order_refunded": _ORDER,
    "verify_email": frozenset({"code"}),
    "verify_phone": frozenset({"code"}),
    "password_reset": frozenset({"resetToken"}),
    "password_changed": frozenset(),
    "new_sign_in": frozenset({"client", "at"}),
    "identifier_changed": frozenset(),
}


def supported_language(tag: str) -> str:
    """The template language for a language tag: `en` for any English (`en-GB`), otherwise `ru`."""
    return "en" if tag.lower().split("-")[0] == "en" else "ru"
