"""Set and adjust the stock of a product; for operators."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Header, Response
from pydantic import Field, StrictInt

from api.access.callers import label_of
from api.access.operation_router import OperationRouter
from api.catalog.schemas import ProductStock
from api.dependencies import Catalog, CurrentCaller, Reservations
from api.requests.conditional import names_tag, tag_of
from api.requests.fields import Body, ProductId, Shape, Text
from api.requests.idempotency import Idempotency, mark_replayed
from services.errors import InvalidTransition
from services.reservations.status import MovementKind
from services.reservations.views import Cause

router = OperationRouter(prefix="/products", tags=["Catalog"])

MAX_STOCK_UNITS = 1_000_000_000
Units = Annotated[StrictInt, Field(ge=0, le=MAX_STOCK_UNITS)]
IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1000,
        description="Set the stock only if it still has this ETag, that of `GET /products/{productId}/stock`.",
    ),
]


class SetProductStock(Body):
    """The number of units that can be ordered."""

    available: Units


class AdjustProductStock(Body):
    """Units to add to those that can be ordered, or with a minus sign to take from them."""

    change: Annotated[StrictInt, Field(ge=-MAX_STOCK_UNITS, le=MAX_STOCK_UNITS, description="Not zero.")]
    reason: Text


class StockAdjustment(Shape):
    """A change of a product's stock, with its id in the ledger, and the units that can be ordered now."""

    adjustment_id: UUID
    product_id: UUID
    change: int = Field(ge=-MAX_STOCK_UNITS, le=MAX_STOCK_UNITS)
    reason: str
    available: int = Field(ge=0)


@router.put("/{productId}/stock", operation_id="setProductStock", summary="Set the available stock of a product")
def set_stock(
    product_id: ProductId,
    body: SetProductStock,
    catalog: Catalog,
    reservations: Reservations,
    caller: CurrentCaller,
    response: Response,
    if_match: IfMatch = None,
) -> ProductStock:
    """Reserved and sold units are not changed. With `If-Match`, 412 when the stock has changed since it was read."""
    present = catalog.get_stocked(product_id, True).available
    if if_match is not None and not names_tag(if_match, _tag(_stock(product_id, present))):
        raise InvalidTransition("The stock has changed since it was read: read it again.")
    expected = None if if_match in (None, "*") else present
    cause = Cause(MovementKind.SET, by=label_of(caller))
    stock = _stock(product_id, reservations.set_stock(product_id, body.available, cause, expected=expected).available)
    response.headers["ETag"] = _tag(stock)
    return stock


@router.post(
    "/{productId}/stock/adjustments", operation_id="adjustProductStock", summary="Add or take units of a product"
)
def adjust_stock(
    product_id: ProductId,
    body: AdjustProductStock,
    catalog: Catalog,
    reservations: Reservations,
    caller: CurrentCaller,
    idempotency: Idempotency,
    response: Response,
) -> StockAdjustment:
    """Relative, so that it needs no reading before. Units that are reserved or sold cannot be taken."""
    catalog.get(product_id, True)
    cause = Cause(MovementKind.ADJUSTMENT, body.reason, label_of(caller))
    made = reservations.adjust_stock(product_id, body.change, cause, idempotent=idempotency.request(body))
    if made.replayed:
        mark_replayed(response)
    return StockAdjustment(
        adjustment_id=made.id,
        product_id=product_id,
        change=made.change,
        reason=made.reason,
        available=made.stock.available,
    )


def _stock(product_id: UUID, available: int) -> ProductStock:
    return ProductStock(product_id=product_id, available=available)


def _tag(stock: ProductStock) -> str:
    """The ETag of the response that holds this stock."""
    return tag_of(stock.model_dump_json(by_alias=True).encode())
