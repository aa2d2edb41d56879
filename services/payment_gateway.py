"""The payment provider that the settings name."""

from __future__ import annotations

from services.payments.yookassa.gateway import YooKassa
from services.payments.yookassa.method_rules import any_amount_methods, live_methods, with_receipts
from services.payments.yookassa.webhooks import SOURCES
from services.settings import Settings


def make_gateway(settings: Settings) -> YooKassa:
    """The payment provider of the settings; the caller closes it. No connection is made yet."""
    # In development it is the stand-in, which takes anything (without PAYMENT_LIMITS) and calls back from this machine.
    unlimited = settings.development and settings.payment_limits is None
    rules = any_amount_methods if unlimited else live_methods
    methods, sources = rules(settings.card_term, settings.phone_term), [*SOURCES]
    if settings.payment_receipts == "on":
        methods = with_receipts(methods)
    if settings.development:
        sources += ["127.0.0.0/8", "::1/128"]
    return YooKassa(
        settings.payment_gateway_url,
        settings.yookassa_shop_id or "",
        settings.yookassa_secret_key or "",
        methods,
        shop_name=settings.shop_name,
        sources=[*sources, *filter(None, map(str.strip, settings.payment_webhook_sources.split(",")))],
    )
