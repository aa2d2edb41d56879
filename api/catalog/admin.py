"""Create and change products; for operators."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from fastapi import Response
from pydantic import AfterValidator, Field, StrictBool, StrictStr
from pydantic_core import PydanticCustomError

from api.access.callers import label_of
from api.access.operation_router import OperationRouter
from api.access.operations import BASE
from api.catalog.schemas import Product, in_full
from api.catalog.stock import Units
from api.dependencies import Catalog, CurrentCaller, Reservations
from api.requests.amounts import Amount, Currency, money
from api.requests.fields import Body, ProductId
from api.requests.idempotency import Idempotency, mark_replayed
from services.catalog.views import ProductChange, ProductDraft, ProductView
from services.errors import Invalid
from services.money import Money
from services.reservations.status import MovementKind
from services.reservations.views import Cause

router = OperationRouter(prefix="/products", tags=["Catalog"])


def _stored(value: Any) -> Any:
    # The body is parsed with decimals; attributes are stored as plain JSON.
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise PydanticCustomError("number-too-large", "A number here has at most 100 digits.")
        return float(value)
    if isinstance(value, dict):
        return {name: _stored(inner) for name, inner in value.items()}
    return [_stored(inner) for inner in value] if isinstance(value, list) else value


Sku = Annotated[StrictStr, Field(min_length=1, max_length=64), AfterValidator(str.strip)]
ProductName = Annotated[StrictStr, Field(min_length=1, max_length=200), AfterValidator(str.strip)]
Description = Annotated[StrictStr, Field(max_length=10_000)]
Attributes = Annotated[dict[str, Any], Field(max_length=100), AfterValidator(_stored)]


class CreateProduct(Body):
    """A new product, identified by its SKU."""

    sku: Sku
    name: ProductName
    description: Description = ""
    price: Amount
    currency: Currency
    attributes: Attributes = Field(default_factory=dict)
    is_active: StrictBool = True
    stock: Units = 0


class ChangeProduct(Body):
    """The fields to change. Fields that are left out stay as they are."""

    name: ProductName = Field(default=None)  # type: ignore[assignment]  # left out, never null
    description: Description = Field(default=None)  # type: ignore[assignment]  # left out, never null
    price: Amount = Field(default=None)  # type: ignore[assignment]  # left out, never null
    currency: Currency = Field(default=None)  # type: ignore[assignment]  # left out, never null
    attributes: Attributes = Field(default=None)  # type: ignore[arg-type]  # left out, never null
    is_active: StrictBool = Field(default=None)  # type: ignore[assignment]  # left out, never null


@router.post("", operation_id="createProduct", summary="Create a product")
def create_product(
    body: CreateProduct,
    catalog: Catalog,
    reservations: Reservations,
    caller: CurrentCaller,
    idempotency: Idempotency,
    response: Response,
) -> Product:
    """With its first stock. A SKU that exists already is refused."""
    price = money(body.price, body.currency)
    draft = ProductDraft(body.sku, body.name, price, body.description, body.attributes, body.is_active)
    product, replayed = catalog.add(draft, idempotency.request(body))
    # Also for a repeated request: the first one may have been interrupted between these two writes.
    reservations.add_stocks([(product.id, body.stock)], Cause(MovementKind.FIRST, by=label_of(caller)))
    if replayed:
        mark_replayed(response)
    response.headers["Location"] = f"{BASE}/products/{product.id}"
    return in_full(catalog.get_stocked(product.id, True))


@router.patch("/{productId}", operation_id="changeProduct", summary="Change a product")
def change_product(product_id: ProductId, body: ChangeProduct, catalog: Catalog) -> Product:
    """Orders that exist already keep their names and prices."""
    if "price" in body.model_fields_set and "currency" in body.model_fields_set:
        money(body.price, body.currency)  # checked before the product is looked up
    changed = catalog.change(product_id, _change(catalog.get(product_id, True), body))
    return in_full(catalog.get_stocked(changed.id, True))


def _change(product: ProductView, body: ChangeProduct) -> ProductChange:
    given = {name: getattr(body, name) for name in body.model_fields_set}
    price: Money | None = None
    if "price" in given:
        price = money(given.pop("price"), given.pop("currency", product.price.currency))
    elif "currency" in given:
        raise Invalid("Send price and currency together.", pointer="/price")
    return ProductChange(price=price, **given)
