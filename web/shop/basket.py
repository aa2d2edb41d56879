"""Put goods into the basket and take them out again."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from web.dependencies import CurrentVisit
from web.visit import local_path

router = APIRouter()
_QUANTITY = "quantity-"


@router.post("/basket/add")
async def add(visit: CurrentVisit) -> Response:
    """Put units of a product into the basket, and return to the page."""
    form = await visit.form()
    visit.keep_basket(visit.basket.with_more(form.get("product", ""), _units(form.get("quantity", "1"))))
    return visit.redirect(local_path(form.get("back"), "/basket"))


@router.post("/basket")
async def change(visit: CurrentVisit) -> Response:
    """Change quantities: a field `quantity-<productId>` each, 0 takes the product out; `remove` takes one out."""
    form, basket = await visit.form(), visit.basket
    for name, value in form.items():
        if name.startswith(_QUANTITY):
            basket = basket.with_quantity(name.removeprefix(_QUANTITY), _units(value))
    if removed := form.get("remove"):
        basket = basket.with_quantity(removed, 0)
    visit.keep_basket(basket)
    return visit.redirect("/basket")


def _units(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
