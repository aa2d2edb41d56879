"""Errors of an operation in the OpenAPI document: those of its row, its caller, its body and its parameters."""

from __future__ import annotations

from typing import Any

from api.docs.openapi_problems import add_problems, problems_of

ALWAYS = {"payload-too-large", "rate-limited", "service-unavailable", "internal-error"}
OF_BODIES = {"unsupported-media-type", "malformed-json", "validation-error"}


def test_problems_follow_from_the_operation() -> None:
    assert set(problems_of("GET /livez", {})) == ALWAYS
    assert set(problems_of("GET /products", {})) == ALWAYS | {"unauthenticated"}
    assert set(problems_of("GET /orders/me", {"parameters": [{}]})) == ALWAYS | {
        "unauthenticated",
        "forbidden",
        "validation-error",
    }
    assert set(problems_of("POST /auth/refresh", {"requestBody": {}})) == ALWAYS | OF_BODIES | {"invalid-token"}


def test_problems_with_one_status_share_an_answer() -> None:
    described: dict[str, Any] = {"responses": {}, "requestBody": {}}

    add_problems("POST /auth/password/reset/confirm", described)

    unprocessable = described["responses"]["422"]
    examples = unprocessable["content"]["application/problem+json"]["examples"]
    assert examples.keys() == {"invalid-token", "password-too-weak", "validation-error"}
    assert unprocessable["description"].count("\n") == 2
    assert examples["invalid-token"]["value"]["status"] == 422
    assert "401" not in described["responses"]
    assert "Retry-After" in described["responses"]["503"]["headers"]
