"""Which addresses webhooks may be sent to: none of this machine, of a private network, or of a cloud's own services."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

#: Refused besides what the registries of IANA call not globally reachable (`is_global`), whatever the library says.
_REFUSED: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",  # shared by the customers of a provider (RFC 6598)
            "127.0.0.0/8",
            "168.63.129.16/32",  # metadata and DNS of Azure
            "169.254.0.0/16",  # link-local, with the metadata of most clouds
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "::/96",  # IPv4-compatible
            "::ffff:0:0/96",  # IPv4-mapped
            "64:ff9b::/96",  # NAT64
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",  # Teredo, ORCHID and other protocols
            "2001:db8::/32",
            "2002::/16",  # 6to4
            "3fff::/20",
            "5f00::/16",
            "fc00::/7",
            "fe80::/10",
            "fec0::/10",
            "ff00::/8",
        ),
    )
)

#: What IANA has assigned for the Internet; everything else in IPv6 has no route, or one that somebody made up.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def read_networks(text: str) -> tuple[Network, ...]:
    """Networks separated by comma. Raises ValueError."""
    return tuple(ipaddress.ip_network(each.strip()) for each in text.split(",") if each.strip())


def is_allowed(address: str, networks: Sequence[Network]) -> bool:
    """Whether a webhook may be sent to this IP address: a public one, or one in `networks`.

    An IPv6 address that stands for an IPv4 address is refused as a whole, unless its own network is listed.
    """
    found = ipaddress.ip_address(address.partition("%")[0])
    if any(found in network for network in networks):
        return True
    assigned = found.version == 4 or found in _GLOBAL_UNICAST
    return assigned and found.is_global and not any(found in network for network in _REFUSED)
