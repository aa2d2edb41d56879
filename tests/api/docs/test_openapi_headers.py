"""Response headers of the OpenAPI document."""

from __future__ import annotations

from api.docs.openapi_headers import error_headers, success_headers

ALWAYS = {"X-Request-Id", "Cache-Control"}


def test_headers_of_a_success_follow_from_the_headers_of_the_request() -> None:
    assert success_headers([], location=False).keys() == ALWAYS
    assert success_headers(["limit", "Prefer"], location=False).keys() == ALWAYS | {"Preference-Applied"}
    assert success_headers(["Idempotency-Key"], location=True).keys() == ALWAYS | {"Idempotency-Replayed", "Location"}


def test_headers_of_an_error_follow_from_its_status() -> None:
    assert error_headers(404).keys() == {"X-Request-Id"}
    assert error_headers(401).keys() == {"X-Request-Id", "WWW-Authenticate"}
    assert error_headers(429) == error_headers(503)
    assert "Retry-After" in error_headers(503)
