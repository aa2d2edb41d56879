"""Find products and look at one."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from web.dependencies import CurrentVisit

router = APIRouter()
#: Products on a page.
PAGE = 24


@router.get("/")
async def search(visit: CurrentVisit, q: str = "", cursor: str = "", in_stock: str = "") -> Response:
    """Products by name; all of them without one."""
    api = await visit.api()
    only_available = True if in_stock else None
    found = await api.get("/products", q=q.strip(), cursor=cursor, inStock=only_available, limit=PAGE)
    return visit.page(
        "catalog.html",
        products=found["items"],
        next_cursor=found["nextCursor"],
        q=q.strip(),
        in_stock=bool(in_stock),
        first_page=not cursor,
    )


@router.get("/products/{product_id}")
async def product(visit: CurrentVisit, product_id: UUID) -> Response:
    """One product."""
    api = await visit.api()
    return visit.page("product.html", product=await api.get(f"/products/{product_id}"))
