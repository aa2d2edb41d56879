"""Which templates there are, and what each must be told; a new one is a line here and a file per language."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("ru", "en")

_ORDER = frozenset({"firstName", "orderId", "totalAmount", "currency"})

#: The variables of each template: all of them and no other must be given.
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


def supported_language(wanted: str) -> str:
    """The language we write in: `en` for any English, else Russian."""
    return "en" if wanted.lower().split("-")[0] == "en" else "ru"
