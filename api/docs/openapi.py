"""The OpenAPI document: what FastAPI derives from the routes, completed with problems, headers and callers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.access.callers import Access, Token
from api.access.operations import find_operation
from api.docs import openapi_bounds
from api.docs.problem_schema import NAME, SCHEMAS, TEXT, schema_of
from api.docs.request_examples import BODIES
from api.docs.response_examples import ANSWERS
from api.problems.problem_details import TYPES, status_of

DESCRIPTION = """Orders of a marketplace. An order reserves stock, takes the payment and is confirmed in the background.
When a step fails or the order is cancelled, the steps that were done are undone.

Errors are problem documents (RFC 9457). Their `type` is the address of a page that explains the problem.

Two errors are sent by the HTTP server before any operation is reached, as plain text: 431 when the address and the
headers of a request exceed 16 KiB together, and 400 when the request is not valid HTTP."""

TAGS = {
    "Identity": "Register, verify an e-mail address or phone number, sign in, and manage the account.",
    "Catalog": "Products, prices and available stock.",
    "Orders": "Place orders, follow them, pay and cancel them.",
    "Reservations": "Stock reserved for orders. For services and operators.",
    "Payments": "Payments and refunds. For services and operators. Also receives the webhooks of payment providers.",
    "Notifications": "Messages to buyers. For services and operators.",
}
_CONTACT = {"name": "Operators of this marketplace"}
_SERVERS = [
    {
        "url": "/",
        "description": "The server that this document was read from, in development or production.",
        "x-internal": False,
    }
]
_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An access token, from signing in or minted by an operator; it follows RFC8725.",
    },
    "signature": {
        "type": "apiKey",
        "in": "header",
        "name": "webhook-signature",
        "description": "Standard Webhooks: HMAC-SHA256 over `webhook-id`, `webhook-timestamp` and the body.",
    },
}

_SCHEMA = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")
#: Headers that OpenAPI describes elsewhere: by content and security.
_OF_HTTP = {"accept", "content-type", "authorization"}
_ALWAYS = ("internal-error", "service-unavailable", "rate-limited", "payload-too-large")
_OF_BODIES = ("unsupported-media-type", "malformed-json", "validation-error")
_ADDRESS = {"type": "string", "format": "uri-reference", "maxLength": 1000}
_REQUEST_ID = {
    "X-Request-Id": {
        "description": "The id that the request carried, or a new one. Problems repeat it as `traceId`.",
        "schema": NAME,
    }
}
_WAIT = {"type": "integer", "format": "int32", "minimum": 0, "maximum": 86_400}
_SECONDS = {"Retry-After": {"description": "Seconds to wait before the next attempt.", "schema": _WAIT}}
_HEADERS: dict[int, dict[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "How to authenticate.", "schema": TEXT}},
    429: _SECONDS,
    503: _SECONDS,
}
_CACHED = {"Cache-Control": {"description": "Whether the response may be cached, and for how long.", "schema": TEXT}}
#: Headers of a success, by the parameter that asks for them.
_ANSWERED = {
    "Idempotency-Key": {
        "Idempotency-Replayed": {
            "description": "`true` when an earlier request with this key had this effect.",
            "schema": {"type": "string", "enum": ["true"]},
        }
    },
    "Prefer": {
        "Preference-Applied": {
            "description": "`wait=N`, if the request asked for it.",
            "schema": {"type": "string", "pattern": "^wait=[0-9]{1,2}$", "maxLength": 7},
        }
    },
}
_SUCCESS = {200: "Success.", 201: "Created.", 202: "Accepted; it is done in the background.", 204: "No content."}
_LOCATION = {"Location": {"description": "The address of the new resource.", "schema": _ADDRESS}}


def install(app: FastAPI, base: str) -> None:
    """Have `app.openapi()` return the completed document, which is built once."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(app, base)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way that FastAPI documents


def problems_of(operation: str, described: dict[str, Any]) -> list[str]:
    """The slugs of every problem that an operation may answer with."""
    row = find_operation(operation)
    found = [*_ALWAYS, *row.all_problems]
    if row.access.token is not Token.IGNORED:
        found.append("unauthenticated")
    if row.access.token is Token.REQUIRED:
        found.append("forbidden")
    if "requestBody" in described:
        found += _OF_BODIES
    if described.get("parameters"):
        found.append("validation-error")
    return sorted(set(found), key=list(TYPES).index)


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
        _complete(operation, described)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    openapi_bounds.complete(schemas)
    schemas |= {name: schema for name, schema in SCHEMAS.items() if name not in schemas}
    components["securitySchemes"] = _SCHEMES
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


def _complete(operation: str, described: dict[str, Any]) -> None:
    access = find_operation(operation).access
    described["security"] = _security(operation, access)
    described["parameters"] = [each for each in described.get("parameters", ()) if each["name"] not in _OF_HTTP]
    openapi_bounds.complete_parameters(described)
    described["description"] = f"{described.get('description', '')}\n\nCallers: {_callers(access)}.".strip()
    answers = described["responses"]
    answers.pop("422", None)
    for status, answer in answers.items():
        _complete_answer(operation, status, answer, described["parameters"])
    for slug in problems_of(operation, described):
        _add_problem(answers, slug, status_of(operation, slug))
    if operation in BODIES:
        content = described["requestBody"]["content"]["application/json"]
        content["examples"] = {name: {"value": value} for name, value in BODIES[operation].items()}


def _complete_answer(operation: str, status: str, answer: dict[str, Any], parameters: list[dict[str, Any]]) -> None:
    headers = _REQUEST_ID | _CACHED
    for parameter in parameters:
        headers = headers | _ANSWERED.get(parameter["name"], {})
    if status == "201" and find_operation(operation).location:
        headers = headers | _LOCATION
    answer["headers"] = headers
    if answer["description"] == "Successful Response":
        answer["description"] = _SUCCESS[int(status)]
    for described in answer.get("content", {}).values():
        openapi_bounds.bound(described.get("schema", {}), "", {})
    content = answer.get("content", {}).get("application/json")
    if content is not None and operation in ANSWERS:
        content["example"] = ANSWERS[operation]


def _security(operation: str, access: Access) -> list[dict[str, list[str]]]:
    if access.token is Token.REQUIRED:
        return [{"bearer": [str(access.scope)] if access.scope else []}]
    if access.token is Token.OPTIONAL and not operation.startswith("GET "):
        return [{}, {"bearer": []}]
    # Also reads that show an operator more: generated clients demand a token wherever one is named.
    return [{"signature": []}] if access.signed else []


def _callers(access: Access) -> str:
    if access.token is not Token.REQUIRED:
        return "anyone"
    kinds = sorted(str(kind) for kind in access.kinds)
    return ", ".join([*kinds, f"services with `{access.scope}`"] if access.scope else kinds)


def _add_problem(answers: dict[str, Any], slug: str, status: int) -> None:
    answer = answers.setdefault(
        str(status),
        {
            "description": "",
            "headers": _REQUEST_ID | _HEADERS.get(status, {}),
            "content": {"application/problem+json": {"schema": schema_of("Problem"), "examples": {}}},
        },
    )
    answer["description"] = "\n".join(filter(None, [answer["description"], f"- `{slug}`: {TYPES[slug].title}"]))
    answer["content"]["application/problem+json"]["examples"][slug] = {"value": _example(slug, status)}


def _example(slug: str, status: int) -> dict[str, Any]:
    known = TYPES[slug]
    example = {
        "type": f"/problems/{slug}",
        "title": known.title,
        "status": status,
        "detail": known.title + ".",
        "instance": "/api/v1/orders",
        "traceId": "8f14e45fceea167a5a36dedd4bea2543",
    }
    if status == 422:
        example["errors"] = [{"pointer": "", "code": slug, "message": known.title + "."}]
    return example
