"""The texts of the provider's confirmation page, in the language that the buyer reads the shop in."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.standins.provider.ledger import Status
from web.languages import COOKIE, language_of

_TEXTS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Confirm a payment",
        "stand_in": "Payment stand-in · no real money",
        Status.PENDING: "Do you confirm this payment?",
        Status.SUCCEEDED: "This payment is approved",
        Status.CANCELED: "This payment is declined",
        "approve": "Approve",
        "decline": "Decline",
        "back": "Back to the shop",
    },
    "ru": {
        "title": "Подтверждение платежа",
        "stand_in": "Имитация платёжного сервиса · деньги не списываются",
        Status.PENDING: "Вы подтверждаете этот платёж?",
        Status.SUCCEEDED: "Этот платёж подтверждён",
        Status.CANCELED: "Этот платёж отклонён",
        "approve": "Подтвердить",
        "decline": "Отклонить",
        "back": "Вернуться в магазин",
    },
}


def language(cookies: Mapping[str, str], accepted: str | None) -> str:
    """The choice made on the pages of the shop, whose cookies reach all ports of a host; else of the browser."""
    return language_of(cookies.get(COOKIE), accepted or "en")


def texts(language: str) -> Mapping[str, str]:
    """The texts of the page; the question or the outcome by the status of the payment."""
    return _TEXTS[language]
