"""HTTP with one bound for the whole exchange: nothing is sent, and nothing waited for, after its deadline."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar
from typing import Any

import httpcore2
import httpx2

#: No answer of a payment provider is longer, in bytes.
MAX_ANSWER = 2 * 1024 * 1024

# httpx2 bounds each phase, and each read anew: a server that drips bytes could hold an exchange for ever.
_deadline: ContextVar[float] = ContextVar("deadline")


def _left(timeout: float | None, late: type[httpcore2.TimeoutException]) -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise late("the exchange took too long")
    return left if timeout is None else min(left, timeout)


class _Stream(httpcore2.NetworkStream):
    """A connection whose every step ends at the deadline of the exchange that it serves."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, _left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore2.SyncBackend):
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        left = _left(timeout, httpcore2.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, local_address, socket_options))


class NotSent(Exception):
    """No byte of the request left this machine."""


class Interrupted(Exception):
    """The request may have arrived; there is no whole answer."""


class BoundedTransport(httpx2.BaseTransport):
    """A connection pool for one provider: kept alive, limited, straight (no proxy), no redirects, no retries."""

    def __init__(self, *, connections: int = 20) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=15,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises NotSent or Interrupted, and nothing else."""
        try:
            return self._answer(request)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            raise NotSent(type(error).__name__) from error
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Interrupted(type(error).__name__) from error

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        wanted = httpcore2.Request(
            method=request.method,
            url=httpcore2.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.read(),
            extensions={"timeout": {"pool": _left(None, httpcore2.PoolTimeout)}},
        )
        answer = self._pool.handle_request(wanted)
        try:
            # Nothing compressed was asked for; a small answer must not become a large one here.
            headers = [(name, value) for name, value in answer.headers if name.lower() != b"content-encoding"]
            return httpx2.Response(answer.status, headers=headers, content=_read(answer))
        finally:
            answer.close()

    def close(self) -> None:
        self._pool.close()


def _read(answer: httpcore2.Response) -> bytes:
    content = bytearray()
    for chunk in answer.iter_stream():
        content += chunk
        if len(content) > MAX_ANSWER:
            raise httpcore2.RemoteProtocolError("the answer is too long")
    return bytes(content)


class Exchange:
    """Requests to one base address, each within so many seconds."""

    def __init__(self, base_url: str, credentials: tuple[str, str], transport: httpx2.BaseTransport) -> None:
        self._client = httpx2.Client(
            base_url=base_url,
            auth=credentials,
            transport=transport,
            follow_redirects=False,
            trust_env=False,
            timeout=None,
            headers={"Accept": "application/json", "Accept-Encoding": "identity"},
        )

    def run(
        self,
        method: str,
        path: str,
        *,
        within: float,
        body: object = None,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx2.Response:
        """One request and its whole answer. Raises NotSent, Interrupted."""
        token = _deadline.set(time.monotonic() + within)
        try:
            return self._client.request(method, path, json=body, params=query, headers=headers)
        finally:
            _deadline.reset(token)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()
