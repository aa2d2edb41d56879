"""List and get products, their prices and available stock."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query
from pydantic import BeforeValidator

from api.access.operation_router import OperationRouter
from api.catalog.schemas import Product, ProductPrice, ProductStock, ProductSummary, in_full, listed
from api.dependencies import Catalog, KnownCaller
from api.requests.fields import ProductId, SearchText
from api.requests.pagination import MAX_PAGE, Page, Paging
from services.catalog.comparing import without_invisible
from services.catalog.views import StockedProduct
from services.identity.views import Caller, CallerKind

router = OperationRouter(prefix="/products", tags=["Catalog"])

#: Products examined for one page that is filtered by stock.
_MOST_LOOKED_AT = 10 * MAX_PAGE
#: A page of products after an id.
PageOf = Callable[[UUID | None, int], Sequence[StockedProduct]]


def _typed(q: str) -> str:
    """What was typed, without what a pasted text brings along: invisible signs, tabs and line ends."""
    return " ".join(without_invisible(q).split())


Searched = Annotated[SearchText, BeforeValidator(_typed, json_schema_input_type=SearchText)]


@router.get("", operation_id="listProducts", summary="List products")
def list_products(
    catalog: Catalog,
    paging: Paging,
    q: Annotated[Searched | None, Query(description="Only products whose name or SKU contains this text.")] = None,
    currency: Annotated[str | None, Query(pattern="^[A-Z]{3}$", description="Only prices in this currency.")] = None,
    in_stock: Annotated[
        Literal["true", "false"] | None,
        Query(alias="inStock", description="Filters by whether any stock is available."),
    ] = None,
) -> Page[ProductSummary]:
    """Active products, always in the same order."""
    listing = paging.listing({"q": q, "currency": currency, "inStock": in_stock}, public=True)
    after = paging.after(listing)

    def page_of(after: UUID | None, limit: int) -> Sequence[StockedProduct]:
        return catalog.list_stocked(q, currency, after, limit)

    if in_stock is None:
        return paging.page(listing, page_of(after, paging.limit + 1), lambda found: found.product.id, listed)
    shown, looked_at = _filtered(page_of, after, paging.limit, in_stock == "true")
    following = paging.cursors.write(listing, looked_at) if looked_at else None
    return Page(items=shown, next_cursor=following)


@router.get("/{productId}", operation_id="getProduct", summary="Get a product")
def get_product(product_id: ProductId, catalog: Catalog, caller: KnownCaller) -> Product:
    """Inactive products are found by operators only."""
    return in_full(catalog.get_stocked(product_id, _sees_all(caller)))


@router.get("/{productId}/price", operation_id="getProductPrice", summary="Get the price of a product")
def get_product_price(product_id: ProductId, catalog: Catalog, caller: KnownCaller) -> ProductPrice:
    """The price that an order placed now would get."""
    product = catalog.get(product_id, _sees_all(caller))
    return ProductPrice(product_id=product_id, price=product.price.text, currency=product.price.currency)


@router.get("/{productId}/stock", operation_id="getProductStock", summary="Get the available stock of a product")
def get_product_stock(product_id: ProductId, catalog: Catalog, caller: KnownCaller) -> ProductStock:
    """Units that can be ordered now, without those reserved for other orders."""
    found = catalog.get_stocked(product_id, _sees_all(caller))
    return ProductStock(product_id=product_id, available=found.available)


def _sees_all(caller: Caller | None) -> bool:
    return caller is not None and caller.kind is CallerKind.OPERATOR


def _filtered(
    page_of: PageOf,
    after: UUID | None,
    limit: int,
    in_stock: bool,
) -> tuple[list[ProductSummary], UUID | None]:
    """Up to `limit` products that are in stock (or out of stock), and the last id examined if there may be more."""
    shown: list[ProductSummary] = []
    for product in _looked_at(page_of, after):
        if (product.stock > 0) is in_stock:
            shown.append(product)
        after = product.id
        if len(shown) == limit:
            break
    more = after is not None and bool(page_of(after, 1))
    return shown, after if more else None


def _looked_at(page_of: PageOf, after: UUID | None) -> Iterator[ProductSummary]:
    for _ in range(0, _MOST_LOOKED_AT, MAX_PAGE):
        found = page_of(after, MAX_PAGE)
        yield from map(listed, found)
        if len(found) < MAX_PAGE:
            return
        after = found[-1].product.id
