"""The OpenAPI document: what FastAPI derives from the routes, completed with problems, headers and callers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.docs import openapi_bounds
from api.docs.openapi_operations import complete_operation
from api.docs.openapi_security import SCHEMES
from api.docs.problem_schema import SCHEMAS

DESCRIPTION = """Orders of a marketplace. An order reserves stock, takes the payment and is confirmed in the background.
When a step fails or the order is cancelled, the steps that were done are undone.

Errors are problem documents (RFC 9457). Their `type` is the address of a page that explains the problem.

The [guide](/guide) shows an order from signing in to its confirmation, test cards, idempotency keys and event streams.

To try the operations at `/docs`: register and sign in with the examples. The page then sends the access token with
every request, and its examples name a product of this installation. The card token `tok_succeeds` of the examples pays
in the sandbox.

Every GET operation also answers HEAD, with the same status and headers and without a body.

Some errors are sent by the HTTP server before any operation is reached, as plain text: 431 when the address, the
headers and the trailers of a request exceed 16 KiB together, 400 when the request is not valid HTTP or has no valid
`Host`, and 429 when too many connections are open from one address."""

TAGS = {
    "Identity": "Register, verify an e-mail address or phone number, sign in, and manage the account.",
    "Catalog": "Products, prices and available stock.",
    "Orders": "Place orders, follow them, pay and cancel them.",
    "Reservations": "Stock reserved for orders. For services and operators.",
    "Payments": "Payments and refunds. For services and operators. Also receives the webhooks of payment providers.",
    "Notifications": "Messages to buyers. For services and operators.",
    "Webhooks": "Messages to other systems of the shop about its orders. For operators only.",
    "Operations": "The state of the shop. For operators.",
}
_CONTACT = {"name": "Operators of this marketplace"}
_SERVERS = [
    {
        "url": "/",
        "description": "The server that this document was read from, in development or production.",
        "x-internal": False,
    }
]
_SCHEMA = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")


def install(app: FastAPI, base: str) -> None:
    """Have `app.openapi()` return the completed document, which is built once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(app, base)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def _completed(app: FastAPI, base: str) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        openapi_version="3.1.0",
        tags=[{"name": name, "description": description} for name, description in TAGS.items()],
        servers=list(_SERVERS),
        contact=_CONTACT,
    )
    document = _with_schemas_named_by_title(document)
    for operation, described in _operations(document, base):
        complete_operation(operation, described)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    openapi_bounds.complete(schemas)
    schemas |= {name: schema for name, schema in SCHEMAS.items() if name not in schemas}
    components["securitySchemes"] = SCHEMES
    return document


def _with_schemas_named_by_title(document: dict[str, Any]) -> dict[str, Any]:
    """Pydantic names a page of orders `Page_OrderSummary_`; its title is the name that the model gives itself."""
    schemas = document.get("components", {}).get("schemas", {})
    titles = {name: schema["title"] for name, schema in schemas.items() if name.endswith("_")}

    def renamed(node: Any) -> Any:
        if isinstance(node, dict):
            return {titles.get(key, key): renamed(inner) for key, inner in node.items()}
        if isinstance(node, list):
            return [renamed(inner) for inner in node]
        if isinstance(node, str) and node.startswith(_SCHEMA):
            name = node.removeprefix(_SCHEMA)
            return _SCHEMA + titles.get(name, name)
        return node

    named: dict[str, Any] = renamed(document)
    return named


def _operations(document: dict[str, Any], base: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield f"{method.upper()} {path.removeprefix(base)}", methods[method]
