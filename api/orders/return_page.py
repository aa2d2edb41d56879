"""`/return`: where a buyer lands after the payment provider's page when the shop has no page of its own."""

from __future__ import annotations

import html

from starlette.responses import HTMLResponse

from api.access.operation_router import OperationRouter
from api.dependencies import CurrentSettings, Language
from api.html_pages import page

# It knows neither the order nor its payment, whose outcome may not be decided yet.
_TEXTS = {
    "ru": (
        "Спасибо!",
        "Мы получим результат оплаты от банка и сообщим вам, что стало с заказом. Эту страницу можно закрыть.",
    ),
    "en": (
        "Thank you!",
        "We get the result of the payment from the bank and will tell you about your order. You can close this page.",
    ),
}

router = OperationRouter(include_in_schema=False)


@router.get("/return")
async def return_page(settings: CurrentSettings, language: Language) -> HTMLResponse:
    """A page that says what happens next; nothing of it depends on the request but its language."""
    title, text = _TEXTS[language]
    shop = html.escape(settings.shop_name)
    return page(settings.shop_name, f"<h1>{title}</h1><p>{text}</p><p>{shop}</p>", language=language, cached=False)
