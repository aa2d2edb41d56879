"""Resolves the hosts of endpoints, and refuses those with an address that no webhook may be sent to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate

from services.webhooks.addresses import Network, is_allowed

#: Look-ups at once: as many as messages in flight, and those that were given up and still wait for a name server.
LOOKUPS = 128
#: Seconds for a look-up when an endpoint is added; a name that takes longer is looked up when a message is sent.
WITHIN = 2.0

Resolver = Callable[[str, int], Sequence[str]]


class Unresolved(Exception):
    """The name has no address, or no name server has answered."""


class AddressRefused(Exception):
    """The host is, or has, an address that no webhook may be sent to."""


def system_addresses(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, by the resolver of the system. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class HostCheck:
    """Finds the addresses of a host that a message may be sent to."""

    def __init__(self, allowed: Sequence[Network] = (), resolve: Resolver = system_addresses) -> None:
        """`allowed`: networks that are allowed although they are not public."""
        self._allowed = allowed
        self._resolve = resolve
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="webhook-dns")

    async def addresses(self, host: str, port: int) -> Sequence[str]:
        """All addresses of the host. Raises Unresolved, and AddressRefused when one of them is not allowed.

        The caller connects to one of these addresses, and does not look the name up again.
        """
        try:
            found = await asyncio.wrap_future(self._threads.submit(self._resolve, host, port))
        except (OSError, UnicodeError):
            raise Unresolved from None
        return self._checked(found)

    def check(self, host: str, port: int) -> None:
        """Look the host up once, for at most two seconds. Raises AddressRefused; a name without an address is fine."""
        try:
            found = self._threads.submit(self._resolve, host, port).result(WITHIN)
        except (OSError, UnicodeError, TooLate):
            return
        self._checked(found)

    def close(self) -> None:
        """End the threads; look-ups that are under way are not awaited."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _checked(self, found: Sequence[str]) -> Sequence[str]:
        if not found:
            raise Unresolved
        # One is enough: a name with a public and a private address is set up by somebody who tries.
        if not all(is_allowed(address, self._allowed) for address in found):
            raise AddressRefused
        return found
