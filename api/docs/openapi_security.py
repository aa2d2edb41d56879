"""Who may call an operation, as the OpenAPI document says it: security schemes, and callers in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.access.callers import Access, Token

#: By the names that `security_of` uses.
SCHEMES: Mapping[str, Mapping[str, Any]] = {
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


def security_of(operation: str, access: Access) -> list[dict[str, list[str]]]:
    """The `security` of an operation; empty when it demands no credentials."""
    if access.token is Token.REQUIRED:
        return [{"bearer": [str(access.scope)] if access.scope else []}]
    if access.token is Token.OPTIONAL and not operation.startswith("GET "):
        return [{}, {"bearer": []}]
    # Also reads that show an operator more: generated clients demand a token wherever one is named.
    return [{"signature": []}] if access.signed else []


def callers_of(access: Access) -> str:
    """The callers of an operation in words."""
    if access.token is not Token.REQUIRED:
        return "anyone"
    kinds = sorted(str(kind) for kind in access.kinds)
    return ", ".join([*kinds, f"services with `{access.scope}`"] if access.scope else kinds)
