"""The templates and their variables. A new template is a line here and a file in each language's directory."""

from __future__ import annotations

from collections.abc import Mapping

LANGUAGES = ("ru", "en")

_ORDER = frozenset({"firstName", "orderId", "totalAmount", "currency"})

#: What the messages of an order event say beside the variables of their template. Each is empty when it is not given;
#: a caller of `POST /notifications/send` cannot give them.
DETAILS = ("moneyReturned", "goods", "moreGoods", "address", "orderTotal", "payWithin")

#: The variables of each template; exactly these must be given. None may be a text in which a caller can put a link.
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
    "identifier_added": frozenset(),
    "identifier_changed": frozenset(),
    "identifier_removed": frozenset(),
    "session_ended": frozenset(),
    "operator_granted": frozenset(),
    "second_factor_added": frozenset(),
    "second_factor_removed": frozenset(),
    "recovery_code_used": frozenset(),
    "account_deleted": frozenset(),
}


def supported_language(tag: str) -> str:
    """The template language for a language tag: `en` for any English (`en-GB`), otherwise `ru`."""
    return "en" if tag.lower().split("-")[0] == "en" else "ru"
