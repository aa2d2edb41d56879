"""`/` and `/guide`: where a developer of a client begins; served with `/docs`."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import HTMLResponse

from api.access.operation_router import OperationRouter
from api.html_pages import markdown, page

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "buyers.md"
_START = """# Marketplace Orders

This is the API of the marketplace, below `/api/v1`.

- [Guide](/guide): sign in, place an order, follow it, handle errors
- [Operations](/docs): all of them, to try
- [OpenAPI document](/openapi.json): for generated clients
- [Problem types](/problems): every error, and what to do
"""

router = OperationRouter(include_in_schema=False)


@router.get("/")
def start_page() -> HTMLResponse:
    """Links to the documentation."""
    return page("Marketplace Orders", markdown(_START))


@router.get("/guide")
def guide() -> HTMLResponse:
    """The guide for developers of clients."""
    return page("Guide", markdown(GUIDE.read_text(encoding="utf-8")))
