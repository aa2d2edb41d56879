"""Checks every response against the rules for all responses (G11), and problems against the OpenAPI document."""

from __future__ import annotations

from typing import Any

import httpx2
from fastapi import FastAPI

from api.access.operations import OPERATIONS
from api.problems.problem_details import TYPES

BASE = "/api/v1"


class Watch:
    """A hook of the client."""

    def __init__(self, app: FastAPI) -> None:
        self._paths = app.openapi()["paths"]

    async def check(self, response: httpx2.Response) -> None:
        """Raises AssertionError."""
        headers = response.headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
        assert "server" not in headers
        assert "access-control-allow-origin" not in headers
        if response.request.url.path.startswith(BASE):
            stored = "etag" in headers and "authorization" not in response.request.headers
            assert headers["cache-control"] == ("no-cache" if stored else "no-store")
        has_body = response.request.method != "HEAD"
        if has_body and response.status_code >= 400 and headers["content-type"] == "application/problem+json":
            await response.aread()
            self._check_problem(response)

    def _check_problem(self, response: httpx2.Response) -> None:
        problem = response.json()
        assert {"type", "title", "status", "detail", "instance", "traceId"} <= problem.keys()
        slug = problem["type"].removeprefix("/problems/")
        assert TYPES[slug].title == problem["title"]
        others = {row.statuses[slug] for row in OPERATIONS.values() if slug in row.statuses}
        assert problem["status"] in {TYPES[slug].status, *others}
        assert problem["status"] == response.status_code
        assert problem["traceId"] == response.headers["x-request-id"]
        described = self._described(response.request)
        if described is not None and response.status_code != 405:
            answer = described["responses"][str(response.status_code)]
            assert slug in answer["content"]["application/problem+json"]["examples"]

    def _described(self, request: httpx2.Request) -> dict[str, Any] | None:
        steps = request.url.path.split("/")
        for path, methods in self._paths.items():
            template = path.split("/")
            fits = len(template) == len(steps) and all(
                pattern.startswith("{") or pattern == step for pattern, step in zip(template, steps, strict=True)
            )
            if fits and request.method.lower() in methods:
                found: dict[str, Any] = methods[request.method.lower()]
                return found
        return None
