"""The basket as a page, and the order that it becomes."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from web import problems
from web.api_client import ApiClient, ApiProblem
from web.basket import Basket
from web.dependencies import CurrentVisit
from web.shop.countries import countries
from web.shop.payment_methods import TestMethods, chosen_method, test_methods
from web.visit import Visit, key_of

router = APIRouter()
ADDRESS = ("country", "region", "city", "postalCode", "street")


@dataclass(frozen=True)
class Line:
    """A product in the basket at its present price."""

    product: Mapping[str, Any]
    quantity: int

    @property
    def sum(self) -> str:
        """Price times quantity, as a decimal string."""
        return str(Decimal(self.product["price"]) * self.quantity)


@dataclass(frozen=True)
class Contents:
    """What the basket holds now."""

    lines: list[Line]
    #: products that are no longer for sale
    gone: list[str]

    @property
    def currency(self) -> str:
        """The currency of the first product; the API refuses a mix."""
        return str(self.lines[0].product["currency"]) if self.lines else "RUB"

    @property
    def total(self) -> str:
        """The sum of all lines, as a decimal string."""
        return str(sum((Decimal(line.sum) for line in self.lines), Decimal(0)))


@router.get("/basket")
async def basket(visit: CurrentVisit) -> Response:
    """The goods with their total, and the form of an order."""
    return await _page(visit, {})


@router.post("/orders")
async def place(visit: CurrentVisit) -> Response:
    """Place the order of the form; the same form sent twice is one order."""
    form = await visit.form()
    api = await visit.api(required=True)
    contents = await contents_of(visit.basket, api)
    order = {
        "items": [{"productId": line.product["id"], "quantity": line.quantity} for line in contents.lines],
        **{name: value for name in ADDRESS if (value := form.get(name, "").strip()) or name == "region"},
        "expectedTotal": form.get("total") or None,
        "returnUrl": f"{visit.tools.settings.origin}/return?order={{orderId}}",
        **chosen_method(form),
    }
    given = {name: value for name, value in order.items() if value is not None}
    try:
        placed = await api.post("/orders", given, key=key_of(form))
    except ApiProblem as problem:
        if problem.status not in (403, 409, 422, 429):
            raise
        return await _page(visit, form, problem)
    visit.keep_basket(Basket())
    return visit.redirect(f"/orders/{placed['orderId']}")


@router.get("/return")
async def returned(visit: CurrentVisit, order: uuid.UUID | None = None) -> Response:
    """Where the payment provider's page sends the buyer back to."""
    return visit.redirect(f"/orders/{order}" if order else "/orders")


async def contents_of(basket: Basket, api: ApiClient) -> Contents:
    """The products of a basket as they are now. Raises ApiProblem and ApiUnavailable."""
    found = await asyncio.gather(*(_product(api, product) for product in basket.quantities))
    pairs = list(zip(found, basket.quantities.items(), strict=True))
    lines = [Line(product, quantity) for product, (_, quantity) in pairs if product is not None]
    return Contents(lines, [name for product, (name, _) in pairs if product is None])


async def _product(api: ApiClient, product_id: str) -> Mapping[str, Any] | None:
    try:
        product: Mapping[str, Any] = await api.get(f"/products/{uuid.UUID(product_id)}")
    except ApiProblem as problem:
        if problem.status == 404:
            return None
        raise
    return product


async def _page(visit: Visit, form: Mapping[str, str], problem: ApiProblem | None = None) -> Response:
    api = await visit.api()
    contents = await contents_of(visit.basket, api)
    shown: TestMethods = await test_methods(visit.tools.sandbox) if visit.signed_in else TestMethods()
    return visit.page(
        "basket.html",
        problem.status if problem else 200,
        contents=contents,
        form=form,
        # A form that was refused stored nothing; its key would answer with that refusal again.
        key=str(uuid.uuid4()),
        countries=countries(visit.texts.language),
        methods=shown,
        problem=problems.explain(problem, visit.texts) if problem else None,
    )
