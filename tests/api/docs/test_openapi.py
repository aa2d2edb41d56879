"""The OpenAPI document: complete for every operation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from api.access.callers import Token
from api.access.operations import OPERATIONS
from api.problems.problem_details import TYPES, status_of

BASE = "/api/v1"


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            yield f"{method.upper()} {path.removeprefix(BASE)}", described


def test_the_document_has_every_operation(document: dict[str, Any]) -> None:
    around = {"GET /livez", "GET /readyz", "GET /metrics", "GET /docs", "GET /openapi.json", "GET /return"}
    around |= {"GET /", "GET /guide", "GET /problems"}
    api = {row for row in OPERATIONS if row not in around and not row.startswith(("GET /docs/", "GET /problems/"))}

    assert {name for name, _ in operations(document)} == api
    assert document["openapi"] == "3.1.0"


def test_every_operation_is_complete(document: dict[str, Any]) -> None:
    ids = [described["operationId"] for _, described in operations(document)]
    assert len(ids) == len(set(ids))
    for name, described in operations(document):
        assert described["summary"], name
        assert "Callers: " in described["description"], name
        assert {"500", "503", "429"} <= described["responses"].keys(), name
        for status, answer in described["responses"].items():
            assert answer["description"], (name, status)
            assert "X-Request-Id" in answer["headers"], (name, status)
            if int(status) >= 400:
                examples = answer["content"]["application/problem+json"]["examples"]
                assert {status_of(name, slug) for slug in examples} == {int(status)}, (name, status)
            elif status == "200":
                assert "example" in answer["content"]["application/json"], (name, status)


def test_every_body_has_examples(document: dict[str, Any]) -> None:
    for name, described in operations(document):
        body = described.get("requestBody", {}).get("content", {}).get("application/json")
        if body and not name.endswith(("/reserve", "/confirm", "/release", "/ticket", "{deliveryId}/redeliver")):
            assert body["examples"], name


def test_security_follows_the_table_of_operations(document: dict[str, Any]) -> None:
    for name, described in operations(document):
        row = OPERATIONS[name].access
        scopes = [str(row.scope)] if row.scope else []
        assert (described["security"] == [{"bearer": scopes}]) is (row.token is Token.REQUIRED), name
        proven_by_content = any(word in name for word in ("login", "refresh", "webhook", "notify"))
        assert ("401" in described["responses"]) is (
            OPERATIONS[name].access.token is not Token.IGNORED or proven_by_content
        ), name


def test_every_named_problem_is_a_known_type(document: dict[str, Any]) -> None:
    named = {
        slug
        for _, described in operations(document)
        for answer in described["responses"].values()
        for slug in answer.get("content", {}).get("application/problem+json", {}).get("examples", ())
    }
    assert named <= TYPES.keys()
    assert document["components"]["schemas"]["ProblemType"]["enum"] == [f"/problems/{slug}" for slug in TYPES]


def test_public_operations_demand_no_token(document: dict[str, Any]) -> None:
    security = {name: described["security"] for name, described in operations(document)}
    assert security["POST /auth/login/email"] == security["GET /products"] == []
    assert security["POST /auth/verify/email/confirm"] == [{}, {"bearer": []}]
    assert security["POST /payments/{paymentId}/notify"] == [{"signature": []}]


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    """Another type beside it would make every error of a generated client a union that has no `type`."""
    for name, described in operations(document):
        for status, answer in described["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (name, status)
    assert "431" in document["info"]["description"]


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    def references(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from ([node["$ref"]] if isinstance(node.get("$ref"), str) else [])
            for inner in node.values():
                yield from references(inner)
        elif isinstance(node, list):
            for inner in node:
                yield from references(inner)

    schemas = document["components"]["schemas"]
    assert {reference.removeprefix("#/components/schemas/") for reference in references(document)} <= schemas.keys()
    assert "HTTPValidationError" not in schemas


async def test_the_document_is_served(api: httpx2.AsyncClient, document: dict[str, Any]) -> None:
    assert (await api.get("/openapi.json")).json() == document


def test_every_field_has_bounds(document: dict[str, Any]) -> None:
    """What Spectral's OWASP rules ask for (docs: .spectral.yaml), without Node."""

    def types(node: dict[str, Any]) -> list[str]:
        named = node.get("type", [])
        if "in" in node or not isinstance(named, str | list) or str(named).startswith("/problems/"):
            return []
        return [named] if isinstance(named, str) else named

    def schemas(node: Any, at: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(node, dict):
            for type_ in types(node):
                yield at, node | {"type": type_}
            for name, inner in node.items():
                if name not in ("example", "examples", "securitySchemes"):
                    yield from schemas(inner, f"{at}/{name}")
        elif isinstance(node, list):
            for index, inner in enumerate(node):
                yield from schemas(inner, f"{at}/{index}")

    wanted = {"string": {"maxLength", "enum", "const"}, "array": {"maxItems"}, "integer": {"minimum"}}
    shapes = {"string": {"format", "pattern", "enum", "const"}, "integer": {"maximum"}}
    for at, schema in schemas(document):
        for needs in (wanted, shapes):
            assert needs.get(schema["type"], schema.keys()) & schema.keys(), at


def test_tags_and_servers_are_described(document: dict[str, Any]) -> None:
    used = {tag for _, described in operations(document) for tag in described["tags"]}

    assert used == {tag["name"] for tag in document["tags"] if tag["description"]}
    assert document["info"]["contact"]["name"]
    assert [server["url"] for server in document["servers"]] == ["/"]
