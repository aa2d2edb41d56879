"""Requests for any operation, made from the table of operations and the document's examples."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from api.access.callers import Token
from api.access.operations import BASE, OPERATIONS
from api.docs.request_examples import BODIES
from services.identity.views import CallerKind
from tests.api.people import Person

#: Not below the base path, so not bound by the rules for operations of the api.
_AROUND = ("/.well-known", "/livez", "/readyz", "/metrics", "/problems", "/docs", "/openapi.json", "/return", "/guide")
API = [
    operation
    for operation in OPERATIONS
    if operation != "GET /" and not operation.partition(" ")[2].startswith(_AROUND)
]
#: Proven by their content, so whatever is wrong with that is 401.
PROVEN_BY_CONTENT = [operation for operation in API if "invalid-signature" in OPERATIONS[operation].problems]
WITH_BODY = [
    operation
    for operation in API
    if operation.startswith(("POST", "PUT", "PATCH")) and operation not in PROVEN_BY_CONTENT
]
WITH_MEMBERS = [operation for operation in WITH_BODY if operation in BODIES]
WITH_ID = [operation for operation in API if "Id}" in operation and operation not in PROVEN_BY_CONTENT]
WITH_TOKEN = [operation for operation in API if OPERATIONS[operation].access.token is not Token.IGNORED]
JSON = {"Content-Type": "application/json"}
#: Members of the query that an operation requires.
REQUIRED_QUERY = {
    "GET /users": {"email": "nobody@example.com"},
    "GET /notifications": {"orderId": "019c13ec-9e7b-7d53-9a51-000000000000"},
}


@dataclass(frozen=True)
class Callers:
    """Callers that operations allow."""

    buyer: Person
    operator: Person

    def of(self, operation: str) -> Person | None:
        """None where no token is needed."""
        access = OPERATIONS[operation].access
        if access.token is not Token.REQUIRED:
            return None
        return self.buyer if CallerKind.BUYER in access.kinds else self.operator


@dataclass
class Asking:
    """Sends requests that are in order but for what a test changes."""

    api: httpx2.AsyncClient
    callers: Callers
    #: ids by the name in the template; others are of nothing
    ids: Mapping[str, str] = field(default_factory=dict)

    async def ask(
        self, operation: str, *, content: Any = None, headers: Mapping[str, str] | None = None, **ids: str
    ) -> httpx2.Response:
        """An answer; `content` replaces the example's body, `ids` those of the path."""
        person = self.callers.of(operation)
        known = {**(person.headers if person else {}), **(headers or {})}
        if content is None and operation in WITH_BODY:
            content = json.dumps(example(operation)).encode()
        if content is not None and "Content-Type" not in known:
            known |= JSON
        method, path = request_line(operation, {**self.ids, **ids})
        return await self.api.request(
            method,
            path,
            params=REQUIRED_QUERY.get(operation),
            content=content,
            headers=[(name.encode(), value.encode("latin-1")) for name, value in known.items()],
        )


def request_line(operation: str, ids: Mapping[str, str] | None = None) -> tuple[str, str]:
    """Method and path, with an id of nothing wherever none is given."""
    method, _, template = operation.partition(" ")
    steps = [
        (ids or {}).get(step[1:-1], str(uuid4())) if step.startswith("{") else step for step in template.split("/")
    ]
    return method, BASE + "/".join(steps)


def example(operation: str) -> dict[str, Any]:
    """A body that the operation takes: the first of its examples."""
    bodies = BODIES.get(operation)
    return copy.deepcopy(next(iter(bodies.values()))) if bodies else {}


def with_each(body: Any, names: tuple[str, ...], value: object) -> Iterator[dict[str, Any]]:
    """The body with one of these members, at any depth, replaced."""
    for path in _paths(body):
        if path[-1] in names:
            changed = copy.deepcopy(body)
            inner = changed
            for step in path[:-1]:
                inner = inner[step]
            inner[path[-1]] = value
            yield changed


def _paths(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        yield (*above, name)
        yield from _paths(inner, (*above, name))


def slug(answer: httpx2.Response) -> str:
    """The type of a problem."""
    return str(answer.json()["type"]).removeprefix("/problems/")


def but_for_the_occurrence(answer: httpx2.Response) -> tuple[int, dict[str, Any], dict[str, str]]:
    """What must be equal in two refusals that must be indistinguishable."""
    body = {name: value for name, value in answer.json().items() if name not in ("traceId", "instance")}
    headers = {
        name: value for name, value in answer.headers.items() if name not in ("x-request-id", "content-length", "date")
    }
    return answer.status_code, body, headers
