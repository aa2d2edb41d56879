"""`/docs` and `/openapi.json`: Swagger UI from the installed package, without external resources."""

from __future__ import annotations

import json
from importlib import resources

from fastapi import Request
from starlette.responses import HTMLResponse, Response

from api.access.operation_router import OperationRouter
from api.docs.examples import PRODUCT
from api.html_pages import policy
from services.errors import NotFound

# Swagger UI sets inline styles.
_POLICY = policy(script="'self'", style="'self' 'unsafe-inline'", img="'self' data:", connect="'self'")
_CACHED = {"Cache-Control": "public, max-age=3600"}
_ASSETS = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_PAGE = """<!doctype html><html lang=en><head><meta charset=utf-8>
<meta name=viewport content="width=device-width"><meta name=color-scheme content="light dark">
<title>Marketplace Orders</title>
<link rel=stylesheet href=/docs/swagger-ui.css><link rel=stylesheet href=/docs/page.css>
<link rel=icon href=/docs/favicon-32x32.png></head>
<body><div id=swagger-ui></div><script src=/docs/swagger-ui-bundle.js></script>
<script src=/docs/start.js></script></body></html>
"""
# Dark as the browser prefers; the examples name a product of this installation; who signs in is authorized.
_START = """"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

async function read(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(path);
  return answer.text();
}

async function start() {
  let text = await read("/openapi.json");
  try {
    const [product] = JSON.parse(await read("/api/v1/products?inStock=true&limit=1")).items;
    if (product) text = text.replaceAll(EXAMPLE, product.id);
  } catch {
    // The examples keep an id that has to be replaced by hand.
  }
  const ui = SwaggerUIBundle({spec: JSON.parse(text), dom_id: "#swagger-ui", deepLinking: true, filter: true,
    persistAuthorization: false, displayRequestDuration: true, validatorUrl: null,
    responseInterceptor: (answer) => {
      const token = answer.ok && answer.body && answer.body.accessToken;
      if (token) ui.preauthorizeApiKey("bearer", token);
      return answer;
    }});
}
start();
""".replace("EXAMPLE", json.dumps(PRODUCT))
_STYLE = """body{margin:0}
@media (max-width:40em){.swagger-ui .wrapper{padding:0 10px}.swagger-ui .servers{overflow:hidden}}
"""
_OWN = {"start.js": (_START, "text/javascript"), "page.css": (_STYLE, "text/css")}

router = OperationRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The HTML page of Swagger UI."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/{asset}")
def docs_asset(asset: str) -> Response:
    """A script, style or icon of Swagger UI."""
    if asset in _OWN:
        content, media_type = _OWN[asset]
        return Response(content, media_type=media_type, headers=_CACHED)
    if asset not in _ASSETS:
        raise NotFound("There is no such file.")
    found = resources.files("fastapi_swagger.resources").joinpath(asset).read_bytes()
    return Response(found, media_type=_ASSETS[asset], headers=_CACHED)


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """The OpenAPI document."""
    return Response(json.dumps(request.app.openapi(), ensure_ascii=False), media_type="application/json")
