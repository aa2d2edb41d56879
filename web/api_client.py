"""Calls of the REST API for one visitor."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2

#: Seconds for an answer; the API itself ends every request within 5 s, and long polls within 30 s.
TIMEOUT = httpx2.Timeout(10.0, read=40.0)


@dataclass(frozen=True)
class FieldError:
    """A value that the API did not accept."""

    pointer: str
    code: str
    message: str


class ApiProblem(Exception):
    """The API refused a request; `slug` is the problem type of the contract."""

    def __init__(self, document: Mapping[str, Any], retry_after: int | None = None) -> None:
        super().__init__(document.get("title", ""))
        self.slug = str(document.get("type", "")).rsplit("/", 1)[-1] or "internal-error"
        self.status = int(document.get("status", 500))
        self.detail = str(document.get("detail", ""))
        self.trace_id = str(document.get("traceId", ""))
        self.document = document
        self.retry_after = retry_after
        self.errors = [
            FieldError(str(each.get("pointer", "")), str(each.get("code", "")), str(each.get("message", "")))
            for each in document.get("errors") or ()
        ]


class ApiUnavailable(Exception):
    """The API could not be reached, or did not answer in time."""


@dataclass
class ApiClient:
    """The API as one visitor sees it. Every method raises ApiProblem and ApiUnavailable.

    `headers` name the visitor: `Authorization` when they are signed in, `Accept-Language`, and `X-Forwarded-For`, which
    the API believes when TRUSTED_PROXIES contains this process.
    """

    http: httpx2.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **params: str | int | bool | list[str] | None) -> Any:
        """The body of a GET request; parameters that are None or empty are left out."""
        given = {name: _text(value) for name, value in params.items() if value not in (None, "")}
        return await self.send("GET", path, params=given)

    async def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str | None = None) -> Any:
        """The body of a POST request's answer; `key` makes the request repeatable."""
        extra = {"Idempotency-Key": key} if key else {}
        return await self.send("POST", path, json=dict(body) if body is not None else None, headers=extra)

    async def send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any) -> Any:
        """The JSON body of an answer; None when it has none."""
        try:
            answer = await self.http.request(
                method, f"/api/v1{path}", headers={**self.headers, **(headers or {})}, **options
            )
        except httpx2.HTTPError as error:
            raise ApiUnavailable from error
        return _body(answer)

    def stream(self, path: str, headers: Mapping[str, str]) -> AbstractAsyncContextManager[httpx2.Response]:
        """A GET request whose body is read while it arrives, without a limit on the time between two parts."""
        return self.http.stream(
            "GET", f"/api/v1{path}", headers={**self.headers, **headers}, timeout=httpx2.Timeout(10.0, read=None)
        )

    @asynccontextmanager
    async def download(self, path: str) -> AsyncIterator[httpx2.Response]:
        """A GET request that has succeeded, whose body is read while it arrives. Raises ApiProblem, ApiUnavailable."""
        async with AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(
                    self.http.stream("GET", f"/api/v1{path}", headers=self.headers)
                )
                if not answer.is_success:
                    await answer.aread()
                    _body(answer)
            except httpx2.HTTPError as error:
                raise ApiUnavailable from error
            yield answer


def open_http(
    api_url: str,
    around: Callable[[httpx2.AsyncBaseTransport], httpx2.AsyncBaseTransport] = lambda connections: connections,
) -> httpx2.AsyncClient:
    """The connections to the API of all visitors, with what is put around them; no proxy of the environment is used."""
    limits = httpx2.Limits(max_connections=1000, max_keepalive_connections=100)
    connections = httpx2.AsyncHTTPTransport(limits=limits, trust_env=False)
    return httpx2.AsyncClient(base_url=api_url, timeout=TIMEOUT, transport=around(connections), trust_env=False)


def _text(value: str | int | bool | list[str] | None) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _body(answer: httpx2.Response) -> Any:
    try:
        body = answer.json() if answer.content else None
    except ValueError as error:
        raise ApiUnavailable from error
    if answer.is_success:
        return body
    after = answer.headers.get("Retry-After", "")
    document = body if isinstance(body, dict) else {"status": answer.status_code}
    raise ApiProblem({"status": answer.status_code, **document}, int(after) if after.isdigit() else None)
