"""Sends one message to one endpoint: one connection to an address that was checked, one answer, one deadline."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import httpcore2
import httpx2

from services.webhooks.resolving import AddressRefused, HostCheck, Unresolved
from services.webhooks.urls import Target

#: Seconds for the whole exchange: look-up, connection, TLS, request, and the head of the answer.
TIME_OUT = 15.0
#: Seconds for a connection to one address of a host, and how many of its addresses are tried.
CONNECT_WITHIN = 5.0
ADDRESSES = 3
#: Bytes and seconds of an answer's body that are read, so that a short answer is not cut off; nothing of it is kept.
MAX_BODY = 16 * 1024
BODY_WITHIN = 1.0


@dataclass(frozen=True)
class Answer:
    """What became of one attempt."""

    #: of the answer; None: there was none
    status: int | None
    #: why the attempt failed, in a few words of ours; None: it succeeded
    error: str | None
    #: seconds, as the header Retry-After has them or its date; None without one
    retry_after: str | None = None
    #: milliseconds
    duration: int = 0

    @property
    def succeeded(self) -> bool:
        """Whether the receiver has the message: any status 2xx."""
        return self.error is None


class _CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Looks the host up itself and connects to what was checked: the name is never looked up a second time."""

    def __init__(self, hosts: HostCheck) -> None:
        self._hosts = hosts
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        refused: Exception = httpcore2.ConnectError()
        within = min(timeout or CONNECT_WITHIN, CONNECT_WITHIN)
        for address in (await self._hosts.addresses(host, port))[:ADDRESSES]:
            try:
                return await self._inner.connect_tcp(address, port, within, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                refused = error
        raise refused


class WebhookSender:
    """Sends messages; follows no redirect, uses no proxy of the environment, and keeps no connection."""

    def __init__(
        self, hosts: HostCheck, *, tls: ssl.SSLContext | None = None, within: float = TIME_OUT, host: str = "orders"
    ) -> None:
        """`tls`: certificates to trust, by default those of the system; `within`: seconds for one exchange."""
        self._hosts = hosts
        self._tls = tls or httpx2.create_ssl_context(trust_env=False)
        self._within = within
        self._agent = f"Marketplace-Orders-Webhooks/1 ({host})"

    async def send(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send a message once, and say what became of it. Never raises for what the other side does."""
        started = time.monotonic()
        answer = await self._attempt(target, headers, body)
        return Answer(answer.status, answer.error, answer.retry_after, round((time.monotonic() - started) * 1000))

    async def _attempt(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            async with asyncio.timeout(self._within):
                return await self._exchange(target, headers, body)
        except TimeoutError:
            return Answer(None, f"no answer within {self._within:g} s")
        except AddressRefused:
            return Answer(None, "the address is not allowed")
        except Unresolved:
            return Answer(None, "the name has no address")
        except (httpcore2.TimeoutException, httpcore2.NetworkError, ssl.SSLError) as error:
            return Answer(None, _sentence(error))
        except (httpcore2.ProtocolError, httpcore2.UnsupportedProtocol):
            return Answer(None, "the connection was cut, or the answer is not HTTP")

    async def _exchange(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        request = httpcore2.Request(
            "POST",
            httpcore2.URL(scheme=target.scheme, host=target.host, port=target.port, target=target.path),
            headers=[
                ("Host", target.authority),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("User-Agent", self._agent),
                ("Accept-Encoding", "identity"),
                ("Connection", "close"),
                *headers.items(),
            ],
            content=body,
        )
        async with httpcore2.AsyncConnectionPool(
            ssl_context=self._tls, max_keepalive_connections=0, network_backend=_CheckedBackend(self._hosts)
        ) as connections:
            response = await connections.handle_async_request(request)
            try:
                await _read_some(response)
            finally:
                await response.aclose()
        return _answer(response)


async def _read_some(response: httpcore2.Response) -> None:
    """Read what is short; whatever is wrong with the body, the status has said all."""
    read = 0
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in response.aiter_stream():
                read += len(chunk)
                if read > MAX_BODY:
                    return
    except (TimeoutError, httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError):
        return


def _answer(response: httpcore2.Response) -> Answer:
    retry_after = next((value for name, value in response.headers if name.lower() == b"retry-after"), b"")
    error = None if 200 <= response.status < 300 else f"HTTP {response.status}"
    return Answer(response.status, error, retry_after.decode("latin-1")[:64] or None)


def _sentence(error: Exception) -> str:
    causes: list[BaseException] = [error]
    while causes[-1].__cause__ or causes[-1].__context__:
        causes.append(causes[-1].__cause__ or causes[-1].__context__ or error)
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return "the TLS certificate or connection is not valid"
    if isinstance(error, httpcore2.ConnectError):
        return "the connection was refused"
    if isinstance(error, httpcore2.TimeoutException):
        return "no answer in time"
    return "the connection was cut"
