"""The client's IP address: the peer's, or that in X-Forwarded-For when the peer is a trusted proxy."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from starlette.requests import Request

from api.state import state_of

Address = IPv4Address | IPv6Address

#: `203.0.113.7:4711` and `[2001:db8::7]:4711`: some proxies add the port.
_WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")


class TrustedProxies:
    """The networks whose X-Forwarded-For is trusted."""

    def __init__(self, networks: str = "") -> None:
        """`networks`: comma-separated, as in TRUSTED_PROXIES. Raises ValueError."""
        self._networks: Sequence[IPv4Network | IPv6Network] = [
            ipaddress.ip_network(network.strip()) for network in networks.split(",") if network.strip()
        ]

    def client(self, peer: str, forwarded: Iterable[str]) -> str:
        """The last address that is not a trusted proxy; `forwarded` has the lines of X-Forwarded-For.

        An entry that is not an address ends the search: the result is then the proxy that added it.
        """
        address = _parsed(peer)
        if address is None:
            return peer
        hops = [hop for line in forwarded for hop in line.split(",")] if self._networks else []
        while hops and self._trusted(address):
            nearer = _parsed(hops.pop())
            if nearer is None:
                break
            address = nearer
        return str(address)

    def trusts(self, peer: str) -> bool:
        """Whether this peer is a trusted proxy."""
        address = _parsed(peer)
        return address is not None and self._trusted(address)

    def _trusted(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def address_of(request: Request) -> str:
    """The address of the client in canonical form; empty when the server does not know the peer."""
    peer = request.client.host if request.client else ""
    return state_of(request.app).proxies.client(peer, request.headers.getlist("x-forwarded-for"))


def network_of(address: str) -> str:
    """The network that one person or company usually has: the /24 of IPv4, the /64 of IPv6."""
    return _network(address, 24)


def host_of(address: str) -> str:
    """The IPv4 address itself, or the /64 of IPv6, within which a client can change its address at will."""
    return _network(address, 32)


@lru_cache(4096)
def _network(address: str, bits: int) -> str:
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(ipaddress.ip_network(f"{parsed}/{bits if parsed.version == 4 else 64}", strict=False))


@lru_cache(4096)  # `ipaddress` is slow, and every request needs its address twice
def _parsed(spelled: str) -> Address | None:
    spelled = spelled.strip()
    found = _WITH_PORT.fullmatch(spelled)
    if found:
        spelled = found[1] or found[2]
    try:
        # A zone (`fe80::1%eth0`) names a network interface of this machine.
        address = ipaddress.ip_address(spelled.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
