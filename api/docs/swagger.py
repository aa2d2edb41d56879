"""`/docs` and `/openapi.json`: Swagger UI from the installed package, without external resources."""

from __future__ import annotations

import json
from importlib import resources

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from api.access.operation_router import OperationRouter
from services.errors import NotFound

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'"
)
_CACHED = {"Cache-Control": "public, max-age=3600"}
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_PAGE = """<!doctype html><html lang=en><head><meta charset=utf-8><title>Marketplace Orders</title>
<link rel=stylesheet href=/docs/swagger-ui.css><link rel=icon href=/docs/favicon-32x32.png></head>
<body><div id=swagger-ui></div><script src=/docs/swagger-ui-bundle.js></script>
<script src=/docs/start.js></script></body></html>
"""
_START = """SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, filter: true,
  persistAuthorization: false, displayRequestDuration: true, validatorUrl: null});
"""

router = OperationRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The HTML page of Swagger UI."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{asset}")
def docs_asset(asset: str) -> Response:
    """A script, style or icon of Swagger UI."""
    if asset == "start.js":
        return Response(_START, media_type="text/javascript", headers=_CACHED)
    if asset not in _ASSETS:
        raise NotFound("There is no such file.")
    content = resources.files("fastapi_swagger.resources").joinpath(asset).read_bytes()
    return Response(content, media_type=_ASSETS[asset], headers=_CACHED)


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return Response(json.dumps(request.app.openapi(), ensure_ascii=False), media_type="application/json")
