"""Callers of an operation in the OpenAPI document."""

from __future__ import annotations

import pytest

from api.access.callers import ANYONE, ANYONE_KNOWN, SIGNED, Access, callers
from api.docs.openapi_security import SCHEMES, callers_of, security_of
from services.identity.views import CallerKind, Scope

BUYERS = callers(CallerKind.BUYER)
READERS = callers(CallerKind.OPERATOR, CallerKind.BUYER, scope=Scope.ORDERS_READ)


@pytest.mark.parametrize(
    ("operation", "access", "security"),
    [
        ("POST /orders", BUYERS, [{"bearer": []}]),
        ("GET /orders/{orderId}", READERS, [{"bearer": ["orders:read"]}]),
        ("POST /auth/verify/email/confirm", ANYONE_KNOWN, [{}, {"bearer": []}]),
        ("GET /products", ANYONE_KNOWN, []),
        ("POST /auth/login/email", ANYONE, []),
        ("POST /payments/{paymentId}/notify", SIGNED, [{"signature": []}]),
    ],
)
def test_security(operation: str, access: Access, security: list[dict[str, list[str]]]) -> None:
    assert security_of(operation, access) == security
    assert {name for choice in security for name in choice} <= SCHEMES.keys()


def test_callers_in_words() -> None:
    assert [callers_of(access) for access in (ANYONE, ANYONE_KNOWN, BUYERS, READERS)] == [
        "anyone",
        "anyone",
        "buyer",
        "buyer, operator, services with `orders:read`",
    ]
