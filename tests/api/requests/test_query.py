"""The query of a list: a parameter that the operation does not know is refused, and not ignored."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from tests.api.every_operation import REQUIRED_QUERY
from tests.api.people import Person

API = "/api/v1"
LISTS = [
    "GET /notifications",
    "GET /orders",
    "GET /orders/me",
    "GET /products",
    "GET /stocks",
    "GET /users/me/sessions",
    "GET /webhook-deliveries",
    "GET /webhook-endpoints",
]


@pytest.mark.parametrize("operation", LISTS)
@pytest.mark.parametrize(
    ("name", "pointer"), [("buyerID", "/query/buyerID"), ("LIMIT", "/query/LIMIT"), ("<b>1", "/query")]
)
async def test_T259_a_mistyped_parameter_of_a_list_is_refused(
    api: httpx2.AsyncClient, buyer: Person, operator: Person, operation: str, name: str, pointer: str
) -> None:
    caller = buyer if operation in ("GET /orders/me", "GET /users/me/sessions") else operator
    path, known = API + operation.removeprefix("GET "), REQUIRED_QUERY.get(operation, {})
    answer = await api.get(path, params={**known, name: "value-4711"}, headers=caller.headers)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/validation-error")
    assert answer.json()["errors"][0]["pointer"] == pointer
    assert "4711" not in answer.text
    assert "<b>" not in answer.text
    assert (await api.get(path, params=known, headers=caller.headers)).status_code == 200


def test_T259_every_list_is_tried(app: FastAPI) -> None:
    reads = {path: methods["get"] for path, methods in app.openapi()["paths"].items() if "get" in methods}
    with_cursor = [
        path for path, read in reads.items() if "cursor" in {each["name"] for each in read.get("parameters", ())}
    ]
    assert sorted(with_cursor) == [API + operation.removeprefix("GET ") for operation in LISTS]
