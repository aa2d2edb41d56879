"""Settings of payments and orders."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel

from services.parts import CONNECTED, Part
from services.setting_declarations import setting

_API = frozenset({Part.API})


class PaymentSettings(BaseModel):
    """Payments."""

    payment_gateway: Literal["yookassa"] = setting("yookassa", "the payment provider", parts=CONNECTED)
    payment_gateway_url: str = setting(
        "https://api.yookassa.ru/v3", "its API: https, or loopback", kind="URL", parts=CONNECTED
    )
    yookassa_shop_id: str | None = setting(
        None,
        "the shop at the provider",
        parts=CONNECTED,
        required="copy it from the provider's merchant account",
    )
    yookassa_secret_key: str | None = setting(
        None,
        "the key of the shop at the provider",
        parts=CONNECTED,
        required="copy it from the provider's merchant account",
        secret=True,
    )
    payment_limits: Literal["live"] | None = setting(
        None,
        "`live` checks the amounts and currencies that the provider takes in development too; production always does",
    )
    payment_receipts: Literal["on", "off"] = setting(
        "off", "send fiscal receipts ([54-FZ](deploying.md#fiscal-receipts)) with payments and refunds"
    )
    payment_vat_code: int = setting(
        1, "the VAT code of products without an attribute `vatCode`; 1: no VAT", kind="1 to 12", ge=1, le=12
    )
    payment_tax_system: int | None = setting(
        None, "the tax system of a shop that has several", kind="1 to 6", ge=1, le=6
    )
    payment_webhook_sources: str = setting(
        "",
        "additional source networks of webhooks, private or at least /8 (IPv6: /16)",
        kind="networks by comma",
        parts=_API,
    )
    webhook_allow_networks: str = setting(
        "",
        "networks that [outgoing webhooks](webhooks.md) may be sent to although they are not public, private or at "
        "least /8 (IPv6: /16); in development those of this machine as well",
        kind="networks by comma",
    )
    #: as set; code uses `webhook_secrets`
    payment_webhook_secrets: str | None = setting(
        None,
        "the secrets that sign `POST /payments/{paymentId}/notify`; all of them verify",
        kind="`whsec_<base64>` by comma",
        parts=_API,
        required="`whsec_` followed by the output of `openssl rand -base64 32`",
        secret=True,
    )
    phone_term: int = setting(3900, "how long a phone payment may stay pending at the provider", kind="seconds", ge=1)
    card_term: int = setting(
        3600, "how long a card payment may stay pending (3-D Secure) at the provider", kind="seconds", ge=1
    )


class OrderSettings(BaseModel):
    """Orders."""

    orders_max_unpaid: int = setting(5, "unpaid orders that a buyer may have; 0: no limit", ge=0)
    orders_require_verified: bool = setting(
        False, "take orders only from accounts with a verified e-mail address or phone number", parts=_API
    )
    hold_max_share: float = setting(
        0.25,
        "unpaid units of one product that an account may hold: this share of the units that are not sold, or "
        "`HOLD_MAX_UNITS`, whichever is more; ten times that once it has paid an order; 1: no limit",
        gt=0,
        le=1,
    )
    hold_max_units: int = setting(100, "the same as a number of units", kind="units", ge=1)
    payment_window: int = setting(900, "within which a payment must be started", kind="seconds", ge=1)
    hold_seconds: int = setting(
        1200, "for which a reservation holds its goods, longer than `PAYMENT_WINDOW`", kind="seconds", ge=2
    )
    payment_attempts: int = setting(1, "how often a buyer may try to pay one order", kind="1 to 10", ge=1, le=10)
    attention_after: int = setting(
        600, "failures of so long, after which an undo that is stuck needs a person", kind="seconds", ge=1
    )
    local_lane: Literal["on", "off"] = setting("on", "`off` runs every step as a regular activity")
