"""The client address: the peer's, or that in X-Forwarded-For of a trusted proxy; no other header is read (G14)."""

from __future__ import annotations

import pytest

from api.requests.client_address import TrustedProxies, host_of, network_of
from services.startup import read

OURS = "10.0.0.0/8, 2001:db8:aaaa::/48"

BELIEVED: dict[str, tuple[str, list[str], str]] = {
    "no-address-in-it": ("10.0.0.1", [], "10.0.0.1"),
    "one-hop": ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
    "right-most-that-is-not-ours": ("10.0.0.1", ["6.6.6.6, 198.51.100.7, 10.2.2.2"], "198.51.100.7"),
    "forged-in-front": ("10.0.0.1", ["127.0.0.1, 10.9.9.9, 198.51.100.7"], "198.51.100.7"),
    "ours-in-front-of-forged": ("10.0.0.1", ["10.9.9.9, 6.6.6.6"], "6.6.6.6"),
    "only-ours": ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    "two-lines": ("10.0.0.1", ["6.6.6.6", "198.51.100.7"], "198.51.100.7"),
    "a-stranger": ("198.51.100.9", ["6.6.6.6"], "198.51.100.9"),
    "with-port": ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
    "ipv6-with-port": ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
    "ipv6-in-brackets": ("10.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
    "ipv6-spelled-out": ("10.0.0.1", ["2001:0DB8:0:0:0:0:0:7"], "2001:db8::7"),
    "ipv6-proxy": ("2001:db8:aaaa::1", ["198.51.100.7"], "198.51.100.7"),
    "mapped-peer": ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
    "mapped-hop": ("10.0.0.1", ["::ffff:198.51.100.7, ::ffff:10.0.0.2"], "198.51.100.7"),
    "zone": ("10.0.0.1", ["fe80::1%eth0"], "fe80::1"),
    "no-address": ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
    "no-address-behind-a-hop": ("10.0.0.1", ["_secret, 10.0.0.2"], "10.0.0.2"),
    "empty": ("10.0.0.1", [""], "10.0.0.1"),
    "commas": ("10.0.0.1", [",,,"], "10.0.0.1"),
    "number": ("10.0.0.1", ["3325256711"], "10.0.0.1"),
    "octal": ("10.0.0.1", ["010.0.0.1"], "10.0.0.1"),
    "host": ("10.0.0.1", ["localhost"], "10.0.0.1"),
    "control": ("10.0.0.1", ["198.51.100.7\x00"], "10.0.0.1"),
    "other-digits": ("10.0.0.1", ["١٩٨.51.100.7"], "10.0.0.1"),
    "five-thousand-hops": ("10.0.0.1", ["6.6.6.6," * 5000 + "198.51.100.7" + ",10.0.0.2" * 5000], "198.51.100.7"),
    "no-peer": ("", ["6.6.6.6"], ""),
    "socket": ("/run/api.sock", ["6.6.6.6"], "/run/api.sock"),
}


@pytest.mark.parametrize("case", BELIEVED)
def test_G14_the_client_address_behind_trusted_proxies(case: str) -> None:
    peer, forwarded, address = BELIEVED[case]

    assert TrustedProxies(OURS).client(peer, forwarded) == address


@pytest.mark.parametrize("said", ["10.0.0.1/8", "proxy.example", "0.0.0.0/0", "10.0.0.0/8,::/0"])
def test_G14_invalid_proxy_networks_are_refused(said: str) -> None:
    with pytest.raises(ValueError, match="TRUSTED_PROXIES"):
        read(trusted_proxies=said)


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.1", "::1"])
def test_G14_without_trusted_proxies_the_peer_is_the_client(peer: str) -> None:
    assert TrustedProxies("").client(peer, ["6.6.6.6"]) == peer
    assert TrustedProxies(" , ").client(peer, ["6.6.6.6"]) == peer


@pytest.mark.parametrize(
    ("address", "network", "host"),
    [
        ("198.51.100.7", "198.51.100.0/24", "198.51.100.7/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1:2::/64"),
        ("::1", "::/64", "::/64"),
        ("", "", ""),
    ],
)
def test_T15_the_network_and_the_host_of_an_address(address: str, network: str, host: str) -> None:
    assert (network_of(address), host_of(address)) == (network, host)
