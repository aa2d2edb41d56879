"""HTTP client with one deadline for a whole exchange: nothing is sent or awaited after it."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from contextvars import ContextVar

import httpcore2
import httpx2

from services import tracing

#: Largest response body that is read, in bytes.
MAX_RESPONSE_BYTES = 2 * 1024 * 1024

# httpx2 limits each phase and each read separately: a server that sends byte by byte would never reach a limit.
_deadline: ContextVar[float] = ContextVar("deadline")


def _left(timeout: float | None, late: type[httpcore2.TimeoutException]) -> float:
    left = _deadline.get() - time.monotonic()
    if left <= 0:
        raise late("the exchange took too long")
    return left if timeout is None else min(left, timeout)


class _Stream(httpcore2.NetworkStream):
    """A network connection on which every operation ends at the deadline of the current exchange."""

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

    def get_extra_info(self, info: str) -> object:
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
    """No part of the request was sent."""


class Interrupted(Exception):
    """The request may have arrived, but no complete response came back."""


class BoundedTransport(httpx2.BaseTransport):
    """A limited keep-alive connection pool for one provider, without proxies, redirects or retries."""

    def __init__(self, *, connections: int = 20) -> None:
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(trust_env=False),
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=15,
            network_backend=_Backend(),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and read its response. Raises NotSent, Interrupted."""
        try:
            return self._send(request)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            raise NotSent(type(error).__name__) from error
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise Interrupted(type(error).__name__) from error

    def _send(self, request: httpx2.Request) -> httpx2.Response:
        outgoing = httpcore2.Request(
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
        response = self._pool.handle_request(outgoing)
        try:
            # The request allows no compression; without the header httpx2 cannot be made to expand a small response.
            headers = [(name, value) for name, value in response.headers if name.lower() != b"content-encoding"]
            return httpx2.Response(response.status, headers=headers, content=_read(response))
        finally:
            response.close()

    def close(self) -> None:
        self._pool.close()


def _read(response: httpcore2.Response) -> bytes:
    content = bytearray()
    for chunk in response.iter_stream():
        content += chunk
        if len(content) > MAX_RESPONSE_BYTES:
            raise httpcore2.RemoteProtocolError("the response is too long")
    return bytes(content)


def _template(path: str) -> str:
    kind, _, object_id = path.partition("/")
    return f"{kind}/{{id}}" if object_id else kind


class Exchange:
    """HTTP requests to one base URL, each with a time limit."""

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
        """Send one request and read the whole response within `within` seconds. Raises NotSent, Interrupted."""
        token = _deadline.set(time.monotonic() + within)
        try:
            with tracing.request(method, self._client.base_url.host, _template(path)) as answered:
                response = self._client.request(method, path, json=body, params=query, headers=headers)
                answered(response.status_code)
                return response
        finally:
            _deadline.reset(token)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
